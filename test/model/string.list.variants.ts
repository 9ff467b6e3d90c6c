/** Variants of the list in the state string: labels of the last bulk invalidations, of which there is room for one here. */
import type { StringRules } from './string.state.js';
import type { Variant } from './variants.js';

/** First more labels than fit, so that an entry is older than the list; the last of these is about the entry. */
const listed: StringRules = {
  readers: [0, 0, 0],
  writer: ['invalidateMany', 'invalidateOther', 'commit', 'invalidate', 'settle'],
  names: true,
};
/** The list of the last one does not reach back to the first. */
const withGap: StringRules = {
  ...listed,
  writer: ['invalidateMany', 'commit', 'invalidate', 'invalidateOther', 'settle'],
};
const earlier: StringRules = {
  ...listed,
  writer: ['invalidateOther', 'commit', 'invalidateEarlier', 'invalidateOther', 'settle'],
};
const unlucky: StringRules = { ...listed, readers: [0, 0] };
const takenOver: StringRules = {
  ...listed,
  writer: ['invalidateMany', 'invalidateOther', 'commit', 'invalidate', 'invalidateOther', 'settle'],
  threats: ['failover'],
};

export const LIST_VARIANTS: readonly Variant<StringRules>[] = [
  { letter: 'ZL', title: 'a list of labels in the string', expected: 'holds', states: 12_832, rules: listed },
  {
    letter: 'ZL1',
    title: 'a label missing on the list',
    lacks: 'the names of what was invalidated',
    expected: 'violated',
    rules: { ...listed, without: ['named'] },
  },
  {
    letter: 'ZL2',
    title: 'labels kept although the list names them',
    lacks: 'the stamps of the list',
    expected: 'violated',
    rules: { ...listed, without: ['namedBelieved'] },
  },

  {
    letter: 'ZM',
    title: 'a list that does not reach back to what was read before',
    expected: 'holds',
    states: 13_507,
    rules: withGap,
  },
  {
    letter: 'ZM1',
    title: 'a label dropped from a full list, which goes on as if it were there',
    lacks: 'a list that begins behind what was dropped',
    expected: 'violated',
    rules: { ...withGap, without: ['beginsBehindDropped'] },
  },
  {
    letter: 'ZM2',
    title: 'labels kept over strings that were not read',
    lacks: 'a look whether the list reaches back to the string they were learnt beside',
    expected: 'violated',
    rules: { ...withGap, without: ['gapNoticed'] },
  },
  {
    letter: 'ZM3',
    title: 'entries that are not on the list taken whatever their age',
    lacks: 'the comparison with the beginning of the list',
    expected: 'violated',
    rules: { ...withGap, without: ['listReaches'] },
  },

  {
    letter: 'ZN',
    title: 'a list beside an earlier version that knows none',
    expected: 'holds',
    states: 18_370,
    rules: earlier,
  },
  {
    letter: 'ZN1',
    title: 'a list that an earlier version leaves as it was',
    lacks: 'the bulk invalidation that it was written with',
    expected: 'violated',
    rules: { ...earlier, without: ['listOfBulk'] },
  },

  {
    letter: 'ZO',
    title: 'a list, hash or string displaced, or a server taking over that lags behind,',
    expected: 'holds',
    states: 23_402,
    rules: { ...unlucky, threats: ['hashLoss', 'stringLoss', 'failover'] },
  },
  {
    letter: 'ZO1',
    title: 'a list, a server taking over, labels remembered from the one before',
    lacks: 'forgetting them: two servers may count the same stamp for different labels',
    expected: 'violated',
    rules: { ...takenOver, without: ['forgetsWithServer'] },
  },
  {
    letter: 'ZP',
    title: 'a list, the string put back from a dump, once it was looked at beside the hash,',
    expected: 'holds',
    states: 7_582,
    rules: { ...unlucky, threats: ['stringRestored'] },
  },
  {
    letter: 'ZP1',
    title: 'a list, the string put back from a dump',
    lacks: 'the look at the hash beside it',
    expected: 'violated',
    rules: { ...unlucky, threats: ['stringRestored'], without: ['checked'] },
  },
  {
    letter: 'ZQ',
    title: 'a list, the hash put back from a dump, once it was looked at beside the string,',
    expected: 'holds',
    states: 6_437,
    rules: { ...unlucky, threats: ['hashRestored'] },
  },
  {
    letter: 'ZR',
    title: 'a list, everything cleared, the hash being displaced,',
    expected: 'holds',
    states: 3_133,
    rules: {
      ...unlucky,
      writer: ['invalidateMany', 'commit', 'clearEverything', 'invalidateOther', 'settle'],
      threats: ['hashLoss'],
    },
  },
];
