/** Time, as the rest of the library sees it. Every deadline and age is monotonic; the wall is for people and logs. */
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
}

/** setTimeout fires at once above 2³¹−1 ms; nothing here needs to wait that long. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The global is a getter; looking it up once saves every hit a call. */
const { performance } = globalThis;

/** The clock of the machine. */
export const systemClock: Clock = Object.freeze({
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs: number, callback: () => void) {
    const timer = setTimeout(callback, Math.min(delayMs, LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
  sleep: (delayMs: number) =>
    new Promise<void>((resolve) => {
      setTimeout(resolve, Math.min(delayMs, LONGEST_TIMER_MS)).unref();
    }),
  breathe: () =>
    new Promise<void>((resolve) => {
      setImmediate(resolve);
    }),
});
