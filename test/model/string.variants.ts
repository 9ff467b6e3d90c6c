/** Variants of the state string, as data: what may happen to it, then the same without one guard. */
import type { StringRules } from './string.state.js';
import type { Variant } from './variants.js';

const LABEL = ['commit', 'invalidate', 'settle'] as const;
/** Something else first, so that an entry is older than the last bulk invalidation without being invalid. */
const AFTER_OTHER = ['invalidateOther', 'commit', 'invalidate', 'settle'] as const;

const READERS = [0, 0] as const;
const plain: StringRules = { readers: [0, 0, 1], writer: AFTER_OTHER };
const stringLost: StringRules = { readers: READERS, writer: AFTER_OTHER, threats: ['stringLoss'] };
const hashLost: StringRules = { readers: READERS, writer: LABEL, threats: ['hashLoss'] };
const restored: StringRules = { readers: [0, 0], writer: AFTER_OTHER, threats: ['stringRestored'] };
/** What is put back may be so before the one or the other. */
const restoredBetween: StringRules = {
  readers: [0, 0],
  writer: ['invalidateMany', 'commit', 'invalidate', 'invalidateOther', 'settle'],
  threats: ['hashRestored'],
};
const takenOver: StringRules = { readers: [0, 0, 0], writer: AFTER_OTHER, threats: ['failover'] };
const cleared: StringRules = {
  readers: [0, 0],
  writer: ['commit', 'clearEverything', 'settle'],
  threats: ['hashLoss'],
};

/** A namespace of all tenants: whatever there is of a shard is found by name, and its label invalidated. */
const ofNamespace: StringRules = {
  readers: [0, 0],
  writer: ['commit', 'findShards', 'clearFound', 'settle'],
  threats: ['hashLoss'],
};

export const STRING_VARIANTS: readonly Variant<StringRules>[] = [
  { letter: 'Z', title: 'the state string', expected: 'holds', states: 12_826, rules: plain },
  {
    letter: 'Z1',
    title: 'a string that an invalidation leaves as it is',
    lacks: 'the removal of the string, and what stands there afterwards',
    expected: 'violated',
    rules: { ...plain, without: ['removedFirst', 'saidWithInvalidation'] },
  },
  {
    letter: 'Z2',
    title: 'entries older than the last bulk invalidation taken without their labels',
    lacks: 'the bulk stamp in the string',
    expected: 'violated',
    rules: { ...plain, without: ['bulkCompared'] },
  },
  {
    letter: 'Z3',
    title: 'labels remembered whatever the string says',
    lacks: 'the string as their version',
    expected: 'violated',
    rules: { ...plain, without: ['labelsOfVersion'] },
  },
  {
    letter: 'Z4',
    title: 'labels dropped from memory while a read is judged by them',
    lacks: 'a copy of what the read needs',
    expected: 'violated',
    rules: { ...plain, without: ['ownLabels'] },
  },

  {
    letter: 'ZA',
    title: 'the string alone displaced',
    expected: 'holds',
    states: 1_304,
    rules: stringLost,
  },
  {
    letter: 'ZA1',
    title: 'the string alone displaced, written again by a read and a write',
    lacks: 'one step for both: an invalidation between them is undone',
    expected: 'violated',
    rules: { ...stringLost, without: ['saidInOneStep'] },
  },

  {
    letter: 'ZB',
    title: 'the hash alone displaced',
    expected: 'holds',
    states: 1_108,
    rules: hashLost,
  },
  {
    letter: 'ZB1',
    title: 'the hash alone displaced, an invalidation that finds none leaving the string',
    lacks: 'the removal that comes before the look at the hash',
    expected: 'violated',
    rules: { ...hashLost, without: ['removedFirst'] },
  },
  {
    letter: 'ZB2',
    title: 'the hash alone displaced while its labels are asked for',
    lacks: 'the comparison of hash and string: the labels of another life say nothing',
    expected: 'violated',
    rules: { ...hashLost, writer: AFTER_OTHER, without: ['comparedWhenLearnt'] },
  },
  {
    letter: 'ZB3',
    title: 'the hash alone displaced, a new one made without its string,',
    expected: 'holds',
    states: 2_008,
    rules: { ...hashLost, without: ['saidWithHash'] },
  },
  {
    letter: 'ZB4',
    title: 'an entry evicted by its name, the hash being displaced,',
    expected: 'holds',
    states: 960,
    rules: { ...hashLost, writer: ['commit', 'evict', 'settle'] },
  },

  {
    letter: 'ZC',
    title: 'everything cleared, the hash being displaced,',
    expected: 'holds',
    states: 1_041,
    rules: cleared,
  },
  {
    letter: 'ZC1',
    title: 'everything cleared by the names of hashes',
    lacks: 'a look for strings',
    expected: 'violated',
    rules: { ...cleared, without: ['clearFindsStrings'] },
  },

  {
    letter: 'ZF',
    title: 'a namespace of all tenants cleared, a hash being displaced before, during or after the walk,',
    expected: 'holds',
    states: 1_357,
    rules: ofNamespace,
  },
  {
    letter: 'ZF1',
    title: 'a namespace of all tenants cleared by the names of hashes',
    lacks: 'a look for strings',
    expected: 'violated',
    rules: { ...ofNamespace, without: ['clearFindsStrings'] },
  },
  {
    letter: 'ZF2',
    title: 'a namespace cleared in the shards that were known before',
    lacks: 'a walk that begins when the call does: a shard may come to be between',
    expected: 'violated',
    rules: { ...ofNamespace, writer: ['findShards', 'commit', 'clearFound', 'settle'] },
  },
  {
    letter: 'ZF3',
    title: 'a namespace of all tenants cleared, the string of a shard left as it is',
    lacks: 'the removal of the string, and what stands there afterwards',
    expected: 'violated',
    rules: { ...ofNamespace, without: ['removedFirst', 'saidWithInvalidation'] },
  },
  {
    letter: 'ZF4',
    title: 'a namespace of all tenants cleared, a server taking over that lags behind,',
    expected: 'holds',
    states: 1_662,
    rules: { ...ofNamespace, threats: ['failover'] },
  },

  {
    letter: 'ZD',
    title: 'the string put back from a dump, once it was looked at beside the hash,',
    expected: 'holds',
    states: 4_468,
    rules: restored,
  },
  {
    letter: 'ZD1',
    title: 'the string put back from a dump',
    lacks: 'the look at the hash beside it',
    expected: 'violated',
    rules: { ...restored, without: ['checked'] },
  },
  {
    letter: 'ZD2',
    title: 'the hash put back from a dump, once it was looked at beside the string,',
    expected: 'holds',
    states: 4_268,
    rules: { ...restored, threats: ['hashRestored'] },
  },
  {
    letter: 'ZD3',
    title: 'the hash put back from a dump',
    lacks: 'the look at the string beside it',
    expected: 'violated',
    rules: { ...restored, threats: ['hashRestored'], without: ['checked'] },
  },
  {
    letter: 'ZG',
    title: 'the hash put back from a dump, something else invalidated before it is looked at beside the string,',
    expected: 'holds',
    states: 6_129,
    rules: restoredBetween,
  },
  {
    letter: 'ZG1',
    title: 'the hash put back from a dump, something else invalidated in what it says',
    lacks: 'the comparison before the invalidation writes: the two would agree again',
    expected: 'violated',
    rules: { ...restoredBetween, without: ['comparedFirst'] },
  },
  {
    letter: 'ZG2',
    title: 'a list, the hash put back from a dump, something else invalidated before the look,',
    expected: 'holds',
    states: 6_095,
    rules: { ...restoredBetween, names: true },
  },
  {
    letter: 'ZG3',
    title: 'a list, the hash put back from a dump, something else named in what it says',
    lacks: 'the comparison before the invalidation writes: the two would agree again',
    expected: 'violated',
    rules: { ...restoredBetween, names: true, without: ['comparedFirst'] },
  },
  {
    letter: 'ZG4',
    title: 'the string put back from a dump, something else invalidated before it is looked at beside the hash,',
    expected: 'holds',
    states: 7_148,
    rules: { ...restoredBetween, threats: ['stringRestored'], names: true },
  },
  {
    letter: 'ZG5',
    title: 'the string displaced and the hash put back from a dump',
    lacks: 'anything that the hash could be compared with: the price of letting a string be missing',
    expected: 'violated',
    rules: { ...restoredBetween, threats: ['stringLoss', 'hashRestored'], mishaps: 2 },
  },

  {
    letter: 'ZE',
    title: 'a server taking over that lags behind, told again what was confirmed,',
    expected: 'holds',
    states: 105_790,
    rules: takenOver,
  },
  {
    letter: 'ZE1',
    title: 'a server taking over, labels remembered from the one before',
    lacks: 'forgetting them: two servers may count the same stamp for different labels',
    expected: 'violated',
    rules: { ...takenOver, without: ['forgetsWithServer'] },
  },

  {
    letter: 'ZE2',
    title: 'the string lost, a server taking over between entry and hash',
    lacks: 'the guard that both are of one server',
    expected: 'violated',
    rules: { ...takenOver, readers: [0, 0], threats: ['stringLoss', 'failover'], mishaps: 2, without: ['oneServer'] },
  },

  {
    letter: 'ZW',
    title: 'the state string with two of these misfortunes',
    expected: 'holds',
    states: 74_082,
    rules: {
      readers: [0, 0],
      writer: ['invalidateOther', 'commit', 'invalidate', 'settle'],
      threats: ['stringLoss', 'hashLoss', 'failover'],
      mishaps: 2,
    },
  },
];
