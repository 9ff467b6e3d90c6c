/** What is the same about storing on any server: how long a caller waits, and when a write is given up. */
import type { Clock } from '../../core/clock.js';
import type { Draft } from '../../core/entry.js';
import { BackendError } from '../../core/errors.js';
import type { Key } from '../../core/keys/key.js';
import { MANY, type DueMs, type GuardSettings } from '../resilience/options.js';
import { RefusedError } from '../shared/refused.error.js';

/** How long callers wait for a write, and for many. */
export type WriteTimeouts = Pick<GuardSettings, 'timeoutMs' | 'longTimeoutMs'>;

/** Until when a caller that begins to wait now, for so many entries, waits. */
export function dueAt(clock: Clock, { timeoutMs, longTimeoutMs }: WriteTimeouts, entries: number): DueMs {
  const dueMs = clock.monotonicMs() + (entries > MANY ? longTimeoutMs : timeoutMs);
  return () => dueMs;
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
