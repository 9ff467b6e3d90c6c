/**
 * Variants A–M, X and Y as data. The violated ones are the guards: each says what it lacks, and its neighbour that holds has it.
 * `states` is the number of states a holding variant has; it is checked, so that a model that quietly lost some of its
 * interleavings is noticed.
 */
import type { Rules } from './protocol.state.js';

interface Named<R> {
  readonly letter: string;
  /** Reads on with “holds” or “is violated”. */
  readonly title: string;
  readonly rules: R;
}

export interface Holding<R> extends Named<R> {
  readonly expected: 'holds';
  readonly states: number;
}

export interface Violated<R> extends Named<R> {
  readonly expected: 'violated';
  /** The guard that is missing. */
  readonly lacks: string;
}

export type Variant<R> = Holding<R> | Violated<R>;

/** The writer lives in process 0: two readers next to it, or two readers far from it. */
const NEAR = [0, 0, 1] as const;
const FAR = [1, 1, 0] as const;

export const VARIANTS: readonly Variant<Rules>[] = [
  {
    letter: 'A',
    title: 'the naive cache-aside (GET, load, SET; DEL to evict)',
    lacks: 'any tie between a fill and the evicts since its load began',
    expected: 'violated',
    rules: { readers: NEAR },
  },
  {
    letter: 'B',
    title: 'the naive cache-aside with single flight, the local flight dropped by evict',
    lacks: 'a way to drop flights in other processes, and the fill is as blind as before',
    expected: 'violated',
    rules: { readers: NEAR, join: 'beforeRead', localFlightDrop: true },
  },
  {
    letter: 'C',
    title: 'a lease, with fill as compare-and-set and evict deleting entry and lease,',
    expected: 'holds',
    states: 14_282,
    rules: { readers: NEAR, lease: true },
  },
  {
    letter: 'D',
    title: 'a lease with joining a local flight before the read of L2',
    lacks: 'proof that the flight began after the last evict elsewhere',
    expected: 'violated',
    rules: { readers: FAR, lease: true, join: 'beforeRead', localFlightDrop: true },
  },
  {
    letter: 'E',
    title: 'a lease with joining only after an own read of L2 has shown that its token is current',
    expected: 'holds',
    states: 12_190,
    rules: { readers: FAR, lease: true, join: 'afterRead' },
  },
  {
    letter: 'F',
    title: 'a naive fill that the client library re-sends',
    lacks: 'a token, so the second execution overwrites what came between',
    expected: 'violated',
    rules: { readers: NEAR, resend: true },
  },
  {
    letter: 'G',
    title: 'a fill under a token that the client library re-sends',
    expected: 'holds',
    states: 31_808,
    rules: { readers: NEAR, lease: true, resend: true },
  },
  {
    letter: 'H',
    title: 'L1 with a bus that deletes copies only',
    lacks: 'cancelling the L1 stores of reads under way',
    expected: 'violated',
    rules: { readers: FAR, lease: true, l1: true },
  },
  {
    letter: 'I',
    title: 'L1 with a bus that deletes copies and cancels the stores of reads under way',
    expected: 'holds',
    states: 80_276,
    rules: { readers: FAR, lease: true, l1: true, cancelTickets: true },
  },
  {
    letter: 'J',
    title: 'a stamp taken before the loader and compared on read, entry and metadata read in any order,',
    expected: 'holds',
    states: 21_843,
    rules: { readers: NEAR, labels: true, labelRead: 'split' },
  },
  {
    letter: 'K',
    title: 'a stamp taken after the loader',
    lacks: 'the order: an invalidation during the load makes the old version look new',
    expected: 'violated',
    rules: { readers: NEAR, labels: true, labelRead: 'split', lateStamp: true },
  },
  {
    letter: 'L',
    title: 'labels with joining by token only',
    lacks: 'a way for an invalidation by label to void the leases of keys it cannot know',
    expected: 'violated',
    rules: { readers: FAR, lease: true, labels: true, labelRead: 'script', join: 'afterRead' },
  },
  {
    letter: 'M',
    title: 'labels with a lease that is void when older than the last bulk invalidation',
    expected: 'holds',
    states: 10_952,
    rules: { readers: FAR, lease: true, labels: true, labelRead: 'script', join: 'afterRead', voidLease: true },
  },
  {
    letter: 'X',
    title: 'a lease on a network that mixes up answers',
    lacks: 'a number for each question: an answer from before the evict is taken for one from after it',
    expected: 'violated',
    rules: { readers: NEAR, lease: true, mixesUp: 'unnoticed' },
  },
  {
    letter: 'Y',
    title: 'a lease on a network that mixes up answers, whose questions have numbers,',
    expected: 'holds',
    states: 14_410,
    rules: { readers: NEAR, lease: true, mixesUp: 'noticed' },
  },
];
