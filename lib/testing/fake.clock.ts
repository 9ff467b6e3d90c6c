import { systemClock, type Clock } from '../core/clock.js';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
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
  private timers: Timer[] = [];
  private order = 0;

  constructor(options: FakeClockOptions = {}) {
    this.wallOffsetMs = (options.wallMs ?? Date.UTC(2025, 0, 1)) - FIRST_MOMENT_MS;
  }

  nowMs(): number {
    return this.wallOffsetMs + this.elapsedMs;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { dueMs: this.elapsedMs + Math.max(0, delayMs), order: ++this.order, callback };
    this.timers.push(timer);
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
    for (let next = this.nextTimer(untilMs); next !== undefined; next = this.nextTimer(untilMs)) {
      this.timers = this.timers.filter((other) => other !== next);
      this.elapsedMs = Math.max(this.elapsedMs, next.dueMs);
      next.callback();
      await this.settle();
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

  private nextTimer(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.timers) {
      if (timer.dueMs > untilMs) continue;
      if (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  }
}
