import type { Clock } from '../../core/clock.js';

/** Walks of one call that are under way at once: others use the same connections. */
export const WALKS = 8;

/**
 * What walks have counted when all of them have ended, or after so long: then they go on behind, and the answer is what
 * had been counted until then. For tidying up what is invalid already, so nothing here can fail: what a walk that failed
 * has not removed expires, or goes with a later removal, and is not counted.
 */
export async function countWithin<T>(
  forMs: number,
  clock: Clock,
  items: readonly T[],
  walk: (item: T) => AsyncIterable<number>,
): Promise<number> {
  let counted = 0;
  const left = items.values();
  const walkOn = async (): Promise<void> => {
    for (const item of left) {
      try {
        for await (const some of walk(item)) counted += some;
      } catch {
        // Documented above. The others may be somewhere else.
      }
    }
  };
  const walks = Array.from({ length: Math.min(WALKS, items.length) }, walkOn);
  await new Promise<void>((resolve) => {
    const cancel = clock.after(forMs, resolve);
    void Promise.all(walks).then(() => {
      cancel();
      resolve();
    });
  });
  return counted;
}
