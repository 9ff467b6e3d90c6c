import type { Clock } from '../../core/clock.js';

/** Scans of one call that run in parallel: other calls use the same connections. */
export const MAX_PARALLEL_SCANS = 8;

/**
 * What scans have counted when all of them have ended, or after so long: then they continue in the background, and the
 * answer is what had been counted until then. For freeing what is invalid already, so nothing here can fail: what a
 * failed scan has not removed expires, or goes with a later removal, and is not counted.
 */
export async function countWithin<T>(
  forMs: number,
  clock: Clock,
  items: readonly T[],
  scan: (item: T) => AsyncIterable<number>,
): Promise<number> {
  let counted = 0;
  const left = items.values();
  const scanNext = async (): Promise<void> => {
    for (const item of left) {
      try {
        for await (const some of scan(item)) counted += some;
      } catch {
        // Documented above. The other scans may be on other servers.
      }
    }
  };
  const scans = Array.from({ length: Math.min(MAX_PARALLEL_SCANS, items.length) }, scanNext);
  await new Promise<void>((resolve) => {
    const cancel = clock.after(forMs, resolve);
    void Promise.all(scans).then(() => {
      cancel();
      resolve();
    });
  });
  return counted;
}
