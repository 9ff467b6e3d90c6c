/** Time in tests: conditions are waited for, and bounds are on what was waited, not on what the machine is like. */

/** Past this what sees too little is over all the same. */
const LONGEST_MS = 30_000;
const TURN_MS = 10;
/** Between two questions to a server about itself. */
export const ADMIN_TURN_MS = 40;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/**
 * Asks until the answer is yes.
 * @param turnMs between two questions; longer where each costs a connection, and where nothing can be missed in between
 */
export async function until(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  withinMs = 20_000,
  turnMs = TURN_MS,
): Promise<number> {
  const beganAtMs = performance.now();
  for (;;) {
    if (await isSo()) return performance.now() - beganAtMs;
    if (performance.now() - beganAtMs > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(turnMs);
  }
}

/**
 * Whether work that goes on for some time may end: after so long, once it has seen what makes it worth something. On a
 * busy machine that takes longer; after half a minute it is over all the same.
 */
export function enough(forMs: number, isEnough: () => boolean): () => boolean {
  const beganAtMs = performance.now();
  return () => {
    const tookMs = performance.now() - beganAtMs;
    return tookMs >= forMs && (isEnough() || tookMs >= LONGEST_MS);
  };
}

/**
 * What it answered, and how long that took by the clock of this process: a moment in which it could not run at all, on a
 * machine that others keep busy, counts as one turn. So a bound on it says how long was waited for something, whatever
 * the machine is like.
 */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly answer: T; readonly tookMs: number }> {
  let tookMs = 0;
  let lastMs = performance.now();
  const turn = (): void => {
    const nowMs = performance.now();
    tookMs += Math.min(nowMs - lastMs, 2 * TURN_MS);
    lastMs = nowMs;
  };
  const timer = setInterval(turn, TURN_MS);
  try {
    const answer = await work();
    turn();
    return { answer, tookMs };
  } finally {
    clearInterval(timer);
  }
}
