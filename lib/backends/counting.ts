import type { Clock } from '../core/clock.js';

/** Walks of one call that are under way at once: others use the same connections. */
export const WALKS = 8;

/**
 * What walks have counted when all of them have ended, or after so long: then they go on behind, and the answer is what
 * had been counted until then. For tidying up what is invalid already, so nothing here can fail: what cannot be removed
 * expires.
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
    for (const item of left) for await (const some of walk(item)) counted += some;
  };
  const walks = Array.from({ length: Math.min(WALKS, items.length) }, () => walkOn().catch(() => undefined));
  await new Promise<void>((resolve) => {
    const cancel = clock.after(forMs, resolve);
    void Promise.all(walks).then(() => {
      cancel();
      resolve();
    });
  });
  return counted;
}
