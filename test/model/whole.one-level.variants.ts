/**
 * Variants of the whole protocol with one level, as data: the protocol against the misfortune that tests one part of it,
 * then the same without one guard. “(new)” marks a guard that the first design lacked and this model asked for.
 */
import type { Variant } from './variants.js';
import type { WholeRules, WriterStep } from './whole.rules.js';

const EVICT: readonly WriterStep[] = ['commit', 'evict', 'settle'];

const MUTATE: readonly WriterStep[] = ['hold', 'commit', 'evict', 'settle'];

const NEAR = [0, 0, 1] as const;

/** N: the promise is the strong one, that who starts after the commit sees it, whatever dies then. */
const mutate: WholeRules = { readers: NEAR, writers: [MUTATE], threats: ['crash'], owedFrom: 'commit' };

const withEvict: WholeRules = { ...mutate, readers: [0, 1], writers: [MUTATE, ['evict']] };

const withMutate: WholeRules = { ...mutate, readers: [0, 1], writers: [MUTATE, MUTATE] };

/** P: one loss, at any moment. */
const lossy: WholeRules = {
  readers: NEAR,
  writers: [['commit', 'invalidate', 'settle']],
  threats: ['metadataLoss', 'entryLoss', 'leaseLoss'],
};

/** Q: a pattern reaches entries through the index, which a fill under way is not in. */
const pattern: WholeRules = { readers: NEAR, writers: [['commit', 'stampPattern', 'page', 'settle']] };

/** T: the network runs fills and requests for leases again. U: a process cannot reach L2. */
const resent: WholeRules = { readers: NEAR, writers: [EVICT], threats: ['resentFill', 'resentLease'], mishaps: 2 };

const outage: WholeRules = { readers: [1, 1, 0], writers: [EVICT], threats: ['outage'] };

export const ONE_LEVEL_VARIANTS: readonly Variant<WholeRules>[] = [
  {
    letter: 'N',
    title: 'a write-ahead hold, the writer dying anywhere,',
    expected: 'holds',
    states: 10_758,
    rules: mutate,
  },
  {
    letter: 'N1',
    title: 'a plain evict before the commit',
    lacks: 'anything against a fill between the evict and the commit',
    expected: 'violated',
    rules: { readers: NEAR, writers: [['evict', 'commit', 'settle']] },
  },
  {
    letter: 'N2',
    title: 'an evict on both sides of the commit, the writer dying between,',
    lacks: 'the hold: a fill between the first evict and the commit outlives the writer',
    expected: 'violated',
    rules: { ...mutate, writers: [['evict', 'commit', 'evict', 'settle']] },
  },
  {
    letter: 'N3',
    title: 'a hold that runs out before the commit, the writer dying after it,',
    lacks: 'renewal while the writer lives',
    expected: 'violated',
    rules: { ...mutate, without: ['renewal'] },
  },
  {
    letter: 'N4',
    title: 'a hold that runs out while its writer lives, once the writer has settled,',
    expected: 'holds',
    states: 6_979,
    rules: { readers: NEAR, writers: [MUTATE], without: ['renewal'] },
  },
  {
    letter: 'N5',
    title: 'a hold that the evict of another leaves standing',
    expected: 'holds',
    states: 3_516,
    rules: withEvict,
  },
  {
    letter: 'N6',
    title: 'a hold that the evict of another deletes',
    lacks: 'telling holds from leases in evict (new)',
    expected: 'violated',
    rules: { ...withEvict, without: ['evictSparesHolds'] },
  },
  { letter: 'N7', title: 'two writers with a hold each', expected: 'holds', states: 49_672, rules: withMutate },
  {
    letter: 'N8',
    title: 'two writers that share one slot for their hold',
    lacks: 'a hold per writer (new): the last to begin takes the slot and frees it while the first still writes',
    expected: 'violated',
    rules: { ...withMutate, without: ['holdPerWriter'] },
  },

  { letter: 'P', title: 'loss of metadata, entry or lease', expected: 'holds', states: 30_277, rules: lossy },
  {
    letter: 'P1',
    title: 'loss with a generation in entries and leases, the clock beginning again at zero,',
    expected: 'holds',
    states: 1_002,
    rules: { ...lossy, readers: [0, 0], without: ['clockFromTime'] },
  },
  {
    letter: 'P2',
    title: 'loss without generations, the clock beginning again later than ever,',
    expected: 'holds',
    states: 958,
    rules: { ...lossy, readers: [0, 0], without: ['entryGeneration', 'leaseGeneration'] },
  },
  {
    letter: 'P3',
    title: 'loss without generations, the clock beginning again at zero,',
    lacks: 'a way to know that the metadata is not the one the entry was judged by',
    expected: 'violated',
    rules: { ...lossy, readers: [0, 0], without: ['entryGeneration', 'leaseGeneration', 'clockFromTime'] },
  },
  {
    letter: 'P4',
    title: 'loss with a generation in entries only, the clock beginning again at zero,',
    lacks: 'a generation in the lease (new): a flight from before the invalidation is joined',
    expected: 'violated',
    rules: { ...lossy, readers: [0, 0], without: ['leaseGeneration', 'clockFromTime'] },
  },
  {
    letter: 'P5',
    title: 'loss while hits are two plain reads in any order, and only a miss asks by script,',
    expected: 'holds',
    states: 1_551,
    rules: { ...lossy, readers: [0, 0], plainLookup: true, without: ['clockFromTime'] },
  },

  {
    letter: 'Q',
    title: 'a pattern invalidation that stamps p and b, then pages the index,',
    expected: 'holds',
    states: 3_443,
    rules: pattern,
  },
  {
    letter: 'Q1',
    title: 'a pattern invalidation without p',
    lacks: 'a refusal of fills that are not in the index yet',
    expected: 'violated',
    rules: { ...pattern, without: ['patternStamp'] },
  },
  {
    letter: 'Q2',
    title: 'a pattern invalidation without b',
    lacks: 'a way to void leases of keys it cannot know: an old flight is joined',
    expected: 'violated',
    rules: { ...pattern, without: ['patternBulk'] },
  },
  {
    letter: 'Q3',
    title: 'a pattern invalidation that pages first and stamps then',
    lacks: 'the order: a fill between the two is neither listed nor refused',
    expected: 'violated',
    rules: { ...pattern, writers: [['commit', 'page', 'stampPattern', 'settle']] },
  },
  {
    letter: 'Q4',
    title: 'an index entry written after the fill, by a second command,',
    lacks: 'one script for both',
    expected: 'violated',
    rules: { ...pattern, without: ['indexWithFill'] },
  },
  {
    letter: 'Q5',
    title: 'loss of the index, noticed, with the minimum stamp raised instead,',
    expected: 'holds',
    states: 5_843,
    rules: { ...pattern, threats: ['indexLoss'] },
  },
  {
    letter: 'Q6',
    title: 'loss of the index, unnoticed,',
    lacks: 'a mark by which an index shows that it is whole (new)',
    expected: 'violated',
    rules: { ...pattern, threats: ['indexLoss'], without: ['indexMarker'] },
  },

  {
    letter: 'T',
    title: 'fills and requests for leases that run again',
    expected: 'holds',
    states: 11_231,
    rules: resent,
  },
  {
    letter: 'T1',
    title: 'a request for a lease that runs again, the flight known by its token alone,',
    lacks: 'the stamp in the comparison (new for MongoDB): the lease granted anew passes for the one loaded under',
    expected: 'violated',
    rules: { ...resent, mishaps: 1, without: ['leaseByStamp'] },
  },

  {
    letter: 'U',
    title: 'readers that cannot reach L2 and load alone',
    expected: 'holds',
    states: 3_387,
    rules: outage,
  },
  {
    letter: 'U1',
    title: 'readers that cannot reach L2 and join a local flight',
    lacks: 'proof that the flight began after the last evict elsewhere',
    expected: 'violated',
    rules: { ...outage, without: ['aloneInOutage'] },
  },
];
