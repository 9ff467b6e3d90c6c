import type { Awaitable } from '../../core/async/awaitable.js';

/**
 * Waits for what a call will send, and then for room for it. Neither is time of the server, so the deadline of the call
 * begins anew afterwards.
 * @param bytesOf how many bytes will be under way; left out: they need no turn
 * @throws when the call is over, the circuit opened meanwhile, or the backend was closed
 */
export type Load = <T>(ready: Awaitable<T>, bytesOf?: (ready: T) => number) => Promise<T>;

/** When a caller will be told that its call failed. Later than was known before, where the process stood still meanwhile. */
export interface DueMs {
  (): number;
  /** What is sent is made ready with it. */
  load?: Load;
}
