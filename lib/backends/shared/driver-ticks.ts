/**
 * Drivers depend on `process.nextTick` and `queueMicrotask`. Jest's fake timers replace both by default, and hold back
 * their callbacks until the test advances time: no connection would be made, and no call of the MongoDB driver answered.
 * While a request to a server is in flight, held callbacks are run as they would be without a test; time stays where the
 * test has set it. Where nothing is replaced, none of this runs.
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
  /** Outside the scope of any request: held callbacks may belong to any caller. */
  private readonly outside = AsyncLocalStorage.snapshot();

  /** A request to a driver begins, or an answer arrives. */
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

/** Runs the callbacks that fake timers hold back; undefined where none are installed. */
function heldTicks(): (() => void) | undefined {
  // A test environment that is over has neither of the two.
  for (const tick of [globalThis.process?.nextTick, globalThis.queueMicrotask] as (Replaced | undefined)[]) {
    const clock = tick?.clock;
    if (typeof clock?.runMicrotasks === 'function') return () => clock.runMicrotasks?.();
  }
  return undefined;
}
