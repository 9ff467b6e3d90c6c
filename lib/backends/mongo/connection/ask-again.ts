/** What the server has not carried out, and would carry out another time: it is asked again, and no call hears of it. */
import type { Clock } from '../../../core/clock.js';
import { isConflict, isNotSent } from './errors.js';

/**
 * By so much the time for a connection is over too late where this process stood still. Then the answers to others wait to
 * be read, and their connections are free: what was never sent is asked once more.
 */
const LATE_MS = 50;
const CONFLICT_PAUSES_MS: readonly number[] = Object.freeze([2, 8, 32]);

/** @param work commands that may be sent twice */
export async function askAgain<T>(clock: Clock, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const beganAtMs = clock.monotonicMs();
  try {
    return await pastConflicts(clock, work);
  } catch (error) {
    const lateMs = clock.monotonicMs() - beganAtMs - timeoutMs;
    if (!isNotSent(error) || lateMs < LATE_MS) throw error;
    return pastConflicts(clock, work);
  }
}

/** Two writes met at one document, and the server refused this one. */
async function pastConflicts<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  for (const pauseMs of CONFLICT_PAUSES_MS) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error)) throw error;
      await clock.sleep(pauseMs);
    }
  }
  return work();
}
