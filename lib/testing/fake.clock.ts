import { systemClock, type Clock } from '../core/clock.js';
import { knownOptions } from '../core/own-options.js';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

export interface FakeClockOptions {
  /** What the wall shows at first, in milliseconds since 1970. @default the first of January 2025 */
  readonly wallMs?: number | undefined;
}

/** Turns of the event loop in which promises get their chance between two timers. */
const TURNS_TO_SETTLE = 4;
/** So that nothing ever works only because a clock began at zero. */
const FIRST_MOMENT_MS = 1_000;

/**
 * Time that only moves when told. Timers fire in the order in which they are due, each at its exact moment, and promises
 * settle in between: what a test asserts at a moment has happened by then, without sleeping.
 *
 * @example
 * const clock = new FakeClock();
 * await cache.set('cat', 'Tom', { ttl: '1m' });
 * await clock.advance(60_000);
 * expect(await cache.get('cat')).toBeUndefined();
 */
export class FakeClock implements Clock {
  private elapsedMs = FIRST_MOMENT_MS;
  private wallOffsetMs: number;
  /** In the order in which they are due; of those due together, in the order in which they were set. */
  private timers: Timer[] = [];

  /** @throws CacheConfigError for an option that is none */
  constructor(options?: FakeClockOptions) {
    const { wallMs = Date.UTC(2025, 0, 1) } = knownOptions(options, 'FakeClock', ['wallMs']);
    this.wallOffsetMs = wallMs - FIRST_MOMENT_MS;
  }

  nowMs(): number {
    return this.wallOffsetMs + this.elapsedMs;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { dueMs: this.elapsedMs + Math.max(0, delayMs), callback };
    const at = this.timers.findLastIndex(({ dueMs }) => dueMs <= timer.dueMs) + 1;
    this.timers.splice(at, 0, timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise<void>((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  /** A real turn of the event loop: what yields between chunks of work goes on without the clock being moved. */
  breathe(): Promise<void> {
    return systemClock.breathe();
  }

  /** Timers that wait for their moment. */
  get pendingTimers(): number {
    return this.timers.length;
  }

  /** Moves time on, firing every timer that becomes due on the way, also those that others set. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.elapsedMs + ms;
    await this.settle();
    for (let next = this.timers[0]; next !== undefined && next.dueMs <= untilMs; next = this.timers[0]) {
      this.timers.shift();
      this.elapsedMs = Math.max(this.elapsedMs, next.dueMs);
      next.callback();
      // Those due at the same moment fire together, as they would in one turn of a real clock.
      if (this.timers[0]?.dueMs !== next.dueMs) await this.settle();
    }
    this.elapsedMs = untilMs;
    await this.settle();
  }

  /** Lets promises settle without moving time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) await systemClock.breathe();
  }

  /** Sets the wall forward or back, as an administrator or a time server would. Monotonic time does not notice. */
  jumpWall(ms: number): void {
    this.wallOffsetMs += ms;
  }
}
