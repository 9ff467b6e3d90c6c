import { wholeNumber } from '../core/limits.js';
import type { Loader } from '../engine/loader.js';
import type { CacheKey, CallOptions, WarmEntry, WarmOptions } from './scoped-cache.types.js';

/** What warming needs of a cache. */
interface Warmable {
  set(key: CacheKey, value: unknown, options?: CallOptions): Promise<void>;
  getOrSet<T>(key: CacheKey, loader: Loader<T>, options?: CallOptions): Promise<T>;
}

/** Works through the entries, a bounded number at a time; how many are there afterwards. */
export async function warm(
  cache: Warmable,
  entries: Iterable<WarmEntry> | AsyncIterable<WarmEntry>,
  options: WarmOptions = {},
): Promise<number> {
  const concurrency = wholeNumber(options.concurrency, 'concurrency', 10, 1, 1_000);
  const source = Symbol.asyncIterator in entries ? entries[Symbol.asyncIterator]() : entries[Symbol.iterator]();
  let done = 0;
  let warmed = 0;
  const work = async (): Promise<void> => {
    for (let step = await source.next(); step.done !== true; step = await source.next()) {
      if (await warmOne(cache, step.value)) warmed++;
      options.onProgress?.(++done);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: concurrency }, work));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return warmed;
}

async function warmOne(cache: Warmable, entry: WarmEntry): Promise<boolean> {
  if (entry.load === undefined) {
    await cache.set(entry.key, entry.value, entry.options);
    return true;
  }
  return (await cache.getOrSet(entry.key, entry.load, entry.options)) !== undefined;
}
