/** To see when a lease could not be given back, and to keep it from being tried again. */
import type { LeaseRequest } from '../../../lib/core/backend.js';
import { systemClock, type Clock } from '../../../lib/core/clock.js';

/** It would last longer than the test. */
export const ASKED: LeaseRequest = Object.freeze({ leaseMs: 120_000, purpose: 'missing' });

/** How long it is before a lease that could not be given back is tried for the first time again. */
const FIRST_PAUSE_MS = 50;

export interface Stopping {
  readonly clock: Clock;
  /** How many leases are to be tried again. */
  tries(): number;
}

/** A clock of which such pauses last so much longer. */
export function stopping(byMs: number): Stopping {
  let tries = 0;
  const sleep = (ms: number): Promise<void> => {
    if (ms !== FIRST_PAUSE_MS) return systemClock.sleep(ms);
    tries++;
    return systemClock.sleep(ms + byMs);
  };
  return { clock: { ...systemClock, machine: undefined, sleep }, tries: () => tries };
}
