/**
 * Variants of the whole protocol with two levels, as data. “(new)” marks a guard that the first design lacked and this
 * model asked for.
 */
import type { Variant } from './variants.js';
import type { WholeRules } from './whole.rules.js';

/** O: two levels, time, and a bus that may lose anything. */
const bounded: WholeRules = {
  readers: [1, 1, 0],
  writers: [['commit', 'evict', 'settle']],
  l1: true,
  time: true,
  threats: ['messageLoss'],
};

/** R: two levels without time, so what the bus must do by itself. */
const afterGap: WholeRules = {
  readers: [1, 1],
  writers: [['commit', 'evict', 'evictOther']],
  l1: true,
  threats: ['messageLoss', 'reconnect'],
};

const afterLoss: WholeRules = {
  ...afterGap,
  writers: [['evictOther', 'commit', 'evict', 'evictOther']],
  threats: ['messageLoss', 'metadataLoss'],
};

/** S: the process that evicts, before its own message comes back to it. */
const own: WholeRules = { readers: [0, 0, 0], writers: [['commit', 'dropLocal', 'evict', 'settle']], l1: true };

export const TWO_LEVEL_VARIANTS: readonly Variant<WholeRules>[] = [
  {
    letter: 'O',
    title: 'L1 copies believed for X, messages being lost,',
    expected: 'holds',
    states: 50_193,
    rules: { ...bounded, maxUnvalidatedTicks: 2 },
  },
  {
    letter: 'O1',
    title: 'L1 copies believed until a message comes',
    lacks: 'X',
    expected: 'violated',
    rules: { ...bounded, without: ['validationLease'] },
  },
  {
    letter: 'O2',
    title: 'X counted from the arrival of the answer',
    lacks: 'the time the answer was under way',
    expected: 'violated',
    rules: { ...bounded, without: ['validatedWhenAsked'] },
  },
  {
    letter: 'O3',
    title: 'validation that asks only whether a live entry is there',
    lacks: 'comparing it with the copy: a refill validates the old copy',
    expected: 'violated',
    rules: { ...bounded, without: ['comparedOnValidation'] },
  },
  {
    letter: 'O4',
    title: 'validation by stamp while evict leaves the clock alone',
    lacks: 'a difference between the entry before the evict and the one after (new for MongoDB)',
    expected: 'violated',
    rules: { ...bounded, without: ['comparedByToken', 'evictTicks'] },
  },
  {
    letter: 'O5',
    title: 'validation by stamp while evict moves the clock',
    expected: 'holds',
    states: 26_808,
    rules: { ...bounded, without: ['comparedByToken'] },
  },
  {
    letter: 'O6',
    title: 'validation by the token of the fill while evict leaves the clock alone',
    expected: 'holds',
    states: 26_808,
    rules: { ...bounded, without: ['evictTicks'] },
  },
  {
    letter: 'O7',
    title: 'L1 copies believed for X under invalidation by label',
    expected: 'holds',
    states: 1_229,
    rules: { ...bounded, readers: [1, 1], writers: [['commit', 'invalidate', 'settle']] },
  },

  {
    letter: 'R',
    title: 'a flush of L1 on a gap in the messages and on reconnecting',
    expected: 'holds',
    states: 3_839,
    rules: afterGap,
  },
  {
    letter: 'R1',
    title: 'a gap in the messages that nobody looks for',
    lacks: 'the sequence',
    expected: 'violated',
    rules: { ...afterGap, without: ['gapFlush'] },
  },
  {
    letter: 'R2',
    title: 'a first message taken on trust',
    lacks: 'a flush when it is not known what came before',
    expected: 'violated',
    rules: { ...afterGap, without: ['firstMessageFlush'] },
  },
  {
    letter: 'R3',
    title: 'a flush that leaves the stores under way',
    lacks: 'cancelling tickets on a flush (new)',
    expected: 'violated',
    rules: { ...afterGap, without: ['flushCancels'] },
  },
  { letter: 'R4', title: 'a gap across a loss of metadata', expected: 'holds', states: 12_270, rules: afterLoss },
  {
    letter: 'R5',
    title: 'a gap across a loss of metadata, told by sequence alone,',
    lacks: 'comparing generations (new): the sequence that began again fits the old one',
    expected: 'violated',
    rules: { ...afterLoss, without: ['generationFlush'] },
  },

  {
    letter: 'S',
    title: 'the own L1 of the evicting process, tickets cancelled when L2 has answered,',
    expected: 'holds',
    states: 5_746,
    rules: own,
  },
  {
    letter: 'S1',
    title: 'the own L1 of the evicting process, tickets cancelled only before L2 is asked,',
    lacks: 'cancelling the reads that began between the two (new)',
    expected: 'violated',
    rules: { ...own, without: ['cancelOnAnswer'] },
  },

  {
    letter: 'W',
    title: 'the whole protocol with one of each misfortune possible',
    expected: 'holds',
    states: 61_540,
    rules: {
      readers: [1, 1],
      writers: [['hold', 'commit', 'evict', 'settle']],
      l1: true,
      time: true,
      plainLookup: true,
      threats: [
        'metadataLoss',
        'entryLoss',
        'leaseLoss',
        'resentFill',
        'resentLease',
        'reconnect',
        'messageLoss',
        'crash',
        'outage',
      ],
    },
  },
];
