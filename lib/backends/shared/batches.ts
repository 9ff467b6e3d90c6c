export function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** The items in portions of at most `size`. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

/** What work makes of each item, in their order; at most `width` of them are under way at once. The first failure ends it. */
export async function inTurns<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const left = items.entries();
  let hasFailed = false;
  const workOn = async (): Promise<void> => {
    for (const [at, item] of left) {
      if (hasFailed) return;
      results[at] = await work(item);
    }
  };
  const turns = Array.from({ length: Math.min(width, items.length) }, () =>
    workOn().catch((error: unknown) => {
      hasFailed = true;
      throw error;
    }),
  );
  await Promise.all(turns);
  return results;
}
