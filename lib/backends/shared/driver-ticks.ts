/**
 * Drivers cannot do without `process.nextTick` and `queueMicrotask`. Jest replaces both by default, and holds back what is
 * given to them until the test moves time: no connection would be made, and no call of the driver of MongoDB answered.
 * While something is asked of a server, they are carried out as they would be without a test; time stands where the test
 * has put it. Where nothing is replaced, none of this runs.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { machineClock } from '../../core/clock.js';

/** Often enough for calls that need several ticks, and seldom enough for a busy machine. */
const EVERY_MS = 1;

/** What `@sinonjs/fake-timers`, in Jest and in Vitest, leaves at the functions it puts in place of others. */
interface Replaced {
  readonly clock?: { readonly runMicrotasks?: () => void } | undefined;
}

export class DriverTicks {
  private isRunning = false;
  private isClosed = false;
  /** In no scope of a request: what is carried out may be anybody's. */
  private readonly outside = AsyncLocalStorage.snapshot();

  /** Something is asked of a driver, or comes from it. */
  run(): void {
    if (this.isRunning || heldTicks() === undefined) return;
    this.isRunning = true;
    this.outside(() => this.carryOut());
  }

  close(): void {
    this.isClosed = true;
  }

  private readonly carryOut = (): void => {
    const run = this.isClosed ? undefined : heldTicks();
    this.isRunning = run !== undefined;
    if (run === undefined) return;
    machineClock.after(EVERY_MS, this.carryOut);
    run();
  };
}

/** Carries out what the test holds back; undefined where it holds back nothing. */
function heldTicks(): (() => void) | undefined {
  // A test environment that is over has neither of the two.
  for (const tick of [globalThis.process?.nextTick, globalThis.queueMicrotask] as (Replaced | undefined)[]) {
    const clock = tick?.clock;
    if (typeof clock?.runMicrotasks === 'function') return () => clock.runMicrotasks?.();
  }
  return undefined;
}
