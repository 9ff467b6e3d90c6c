/**
 * Time, as the rest of the library sees it. Every deadline and age is monotonic; the wall is for people and logs.
 *
 * There are two kinds of it, which are the same until a test replaces the timers of its process (Jest, Vitest, sinon,
 * node:test). What an application means by time, ttls and timeouts of its loaders, is what the test says. What the machine
 * needs to go on, deadlines of calls to servers, pauses between attempts, turns for others, is not: it would stand still.
 */
import { performance as realPerformance } from 'node:perf_hooks';
import * as timers from 'node:timers';

/** One clock. Tests may replace it by a `FakeClock`. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. Never used to decide whether something is valid. */
  nowMs(): number;
  /** Milliseconds on a clock that never jumps. Its zero means nothing. */
  monotonicMs(): number;
  /** Calls back once after `delayMs`; the returned function cancels. Never keeps the process alive. */
  after(delayMs: number, callback: () => void): () => void;
  /** Resolves after `delayMs`. Never keeps the process alive. */
  sleep(delayMs: number): Promise<void>;
  /** Lets other work of this process run before a long loop goes on. */
  breathe(): Promise<void>;
  /** What goes on whatever a test says of time: calls to servers are measured by it. @default this clock itself */
  readonly machine?: Clock | undefined;
}

/** The clock of what must go on: see `Clock.machine`. */
export function machineOf(clock: Clock): Clock {
  return clock.machine ?? clock;
}

/** What replaces timers keeps what it replaced, in case this file is loaded later than that. */
interface Replaced {
  readonly clock?: Readonly<Record<string, unknown>> | undefined;
}

function real<T extends object>(name: string, found: T): T {
  const original = (found as Replaced).clock?.[`_${name}`];
  return typeof original === typeof found ? (original as T) : found;
}

// Held from the beginning: a test replaces them later.
const setTimer = real('setTimeout', timers.setTimeout);
const clearTimer = real('clearTimeout', timers.clearTimeout);
const setTurn = real('setImmediate', timers.setImmediate);
const startHold = real('setInterval', timers.setInterval);
const endHold = real('clearInterval', timers.clearInterval);
const setTick = real('nextTick', process.nextTick);
/** Replacing `performance.now` puts another beside the one of the class. */
const { now } = Object.getPrototypeOf(realPerformance) as typeof realPerformance;

const machineMs = now.bind(realPerformance);

/** setTimeout fires at once above 2³¹−1 ms; nothing here needs to wait that long. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** What fakes of tests show: `clock` those of sinon, Jest and Vitest, `_isMockFunction` their spies and older fakes. */
interface Marked {
  readonly clock?: unknown;
  readonly _isMockFunction?: unknown;
}

/** The fake of node:test shows nothing but the private method that it is bound to. */
const FAKE_OF_NODE = 'bound #createTimer';

/** Whether a test says what time it is. What wraps a timer in production (zone.js, monitoring) bears no mark, and is real. */
export function hasFakeTimers(): boolean {
  if (setTimeout === setTimer) return false;
  const { clock, _isMockFunction, name } = setTimeout as Marked & typeof setTimeout;
  return clock !== undefined || _isMockFunction === true || name === FAKE_OF_NODE;
}

/** Nothing happens then. */
const HOLD_MS = 3_600_000;

/**
 * Keeps the process alive, which nothing else of a clock does, until what is returned is called: a caller that waits for
 * an answer gets one, even where nothing else goes on.
 */
export function holdProcess(): () => void {
  const timer = startHold(() => undefined, HOLD_MS);
  return () => endHold(timer);
}

/** After the promises of this turn have run, and with them all calls of the same moment. */
export function afterThisTurn(callback: () => void): void {
  setTick(callback);
}

/** Timers that fire so late were held up by a long computation, as everything was. */
const LATE_MS = 20;

/**
 * Calls back after `delayMs`. After a long computation timers come before what has arrived meanwhile: a timer that is late
 * waits for two turns, in which answers are read, so that nothing is given up whose answer is there.
 */
function afterAnswers(delayMs: number, callback: () => void): () => void {
  const dueMs = machineMs() + delayMs;
  let isCancelled = false;
  const call = (): void => {
    if (!isCancelled) callback();
  };
  const fire = (): void => {
    if (machineMs() - dueMs < LATE_MS) callback();
    else setTurn(() => setTurn(call));
  };
  const timer = setTimer(fire, Math.min(delayMs, LONGEST_TIMER_MS)).unref();
  return () => {
    isCancelled = true;
    clearTimer(timer);
  };
}

/** The clock of the machine, whatever a test says of time. */
export const machineClock: Clock = Object.freeze({
  nowMs: () => realPerformance.timeOrigin + now.call(realPerformance),
  monotonicMs: machineMs,
  after: afterAnswers,
  sleep: (delayMs: number) =>
    new Promise<void>((resolve) => {
      afterAnswers(delayMs, resolve);
    }),
  breathe: () =>
    new Promise<void>((resolve) => {
      setTurn(resolve);
    }),
});

type Source = Readonly<{ now(): number }>;

/** Monotonic time that goes on with the timers of a test where it has some, and without a jump when they come and go. */
class TestableTime {
  private source: Source = realPerformance;
  private offsetMs = 0;
  /** The timers that the source belongs to. Looking up a global is all that a hit pays for this. */
  private timer: typeof setTimeout = setTimer;

  monotonicMs(): number {
    if (setTimeout !== this.timer) this.changeSource();
    return this.source.now() + this.offsetMs;
  }

  private changeSource(): void {
    const reachedMs = this.source.now() + this.offsetMs;
    this.timer = setTimeout;
    const isReplaced = hasFakeTimers() && performance.now !== now;
    // Not every test replaces `performance` beside the timers; its dates then tell how far it has come.
    this.source = isReplaced ? performance : hasFakeTimers() && isReplacedDate() ? Date : realPerformance;
    // A replaced `performance` begins at zero when it takes the place: what the test has advanced since then counts.
    this.offsetMs = isReplaced ? reachedMs : reachedMs - this.source.now();
  }
}

/** What dresses up as `Date` is written in JavaScript, or stands for something else. */
function isReplacedDate(): boolean {
  return Function.prototype.toString.call(Date) !== 'function Date() { [native code] }';
}

const time = new TestableTime();

/** The clock of the machine; of a test that replaces the timers of its process, where an application means time. */
export const systemClock: Clock = Object.freeze({
  nowMs: () => Date.now(),
  monotonicMs: time.monotonicMs.bind(time),
  after(delayMs: number, callback: () => void) {
    if (setTimeout === setTimer) return afterAnswers(delayMs, callback);
    // Those of one moment belong together: what a test has replaced does not know the timers from before.
    const { clearTimeout: clear } = globalThis;
    const timer = setTimeout(callback, Math.min(delayMs, LONGEST_TIMER_MS));
    (timer as Partial<NodeJS.Timeout>).unref?.();
    return () => clear(timer);
  },
  sleep: (delayMs: number) =>
    new Promise<void>((resolve) => {
      systemClock.after(delayMs, resolve);
    }),
  breathe: machineClock.breathe,
  machine: machineClock,
});
