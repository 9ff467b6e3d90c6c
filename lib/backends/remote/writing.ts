/** What is the same about storing on any server: how long a caller waits, and when a write is given up. */
import { andThen, isPending, type Awaitable } from '../../core/async/awaitable.js';
import type { Clock } from '../../core/clock.js';
import type { Draft } from '../../core/entry.js';
import { BackendError } from '../../core/errors.js';
import type { Key } from '../../core/keys/key.js';
import { LARGE_BYTES } from '../resilience/preparation.js';
import { MANY, type GuardSettings } from '../resilience/options.js';
import { sum } from '../shared/batches.js';
import { RefusedError } from '../shared/refused.error.js';
import type { DueMs, Load } from '../shared/due.js';

/** Of a portion of many entries. */
const MOST_BYTES = 1_048_576;

/** How long callers wait for a write, and for many. */
export type WriteTimeouts = Pick<GuardSettings, 'timeoutMs' | 'longTimeoutMs'>;

/** Until when a caller that begins to wait now, for so many entries, waits. */
export function dueAt(clock: Clock, { timeoutMs, longTimeoutMs }: WriteTimeouts, entries: number): DueMs {
  const dueMs = clock.monotonicMs() + (entries > MANY ? longTimeoutMs : timeoutMs);
  return () => dueMs;
}

/** Waits for what is sealed. */
export type Ready = (sealing: Awaitable<Buffer>) => Awaitable<Buffer>;

/** Bytes when they are sealed, of which the draft is told, and there is room for them. Small ones that are ready go at once. */
export function loaded(load: Load | undefined, sealing: Awaitable<Buffer>, draft?: Draft): Awaitable<Buffer> {
  const sized = ({ length }: Buffer): number => {
    draft?.onAdmitted?.(length);
    return length;
  };
  if (load !== undefined && (isPending(sealing) || sealing.length > LARGE_BYTES)) return load(sealing, sized);
  return andThen(sealing, (bytes) => {
    sized(bytes);
    return bytes;
  });
}

/** The same without a turn, for what belongs to a portion that has one. */
export function readied(load: Load | undefined, sealing: Awaitable<Buffer>): Awaitable<Buffer> {
  return load === undefined || !isPending(sealing) ? sealing : load(sealing);
}

/** Waits for the turn of a portion, where it is large. */
export async function turnOf(portion: readonly number[], { load }: DueMs): Promise<void> {
  const bytes = sum(portion);
  if (bytes > LARGE_BYTES) await load?.(bytes, () => bytes);
}

/** In portions that are under way at once: at most so many, and about 1 MiB, or one that is larger. */
export function portionsOf<T>(items: readonly T[], most: number, bytesOf: (item: T) => number): T[][] {
  const portions: T[][] = [];
  let bytes = Infinity;
  for (const item of items) {
    const portion = portions.at(-1);
    bytes += bytesOf(item);
    if (portion !== undefined && portion.length < most && bytes <= MOST_BYTES) portion.push(item);
    else {
      portions.push([item]);
      bytes = bytesOf(item);
    }
  }
  return portions;
}

/** Of two writes to one key the later one stays, whichever way they would have taken. */
export function lastOfEach(entries: readonly (readonly [Key, Draft])[]): readonly (readonly [Key, Draft])[] {
  return [...new Map(entries.map((entry) => [entry[0].id, entry])).values()];
}

/** The caller has been told that it failed, and may have done something else since. */
export function tooLate(operation: 'write' | 'increment', kind: string): BackendError {
  return new BackendError(operation, kind, { why: 'no answer in time' });
}

/** Whatever compares and swaps gives up after so many times. The server has answered each time: it is there. */
export function changedAtEveryAttempt(operation: string, kind: string): RefusedError {
  return new RefusedError(operation, kind, { why: 'something else changed it at every attempt' });
}
