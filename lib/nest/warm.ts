import { wholeNumber } from '../core/limits.js';
import { knownOptions } from '../core/own-options.js';
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
  options?: WarmOptions,
): Promise<number> {
  const { concurrency, onProgress } = knownOptions(options, 'warm', ['concurrency', 'onProgress']);
  const workers = wholeNumber(concurrency, 'concurrency', 10, 1, 1_000);
  const source = new Source(entries);
  let done = 0;
  let warmed = 0;
  const work = async (): Promise<void> => {
    for (let entry = await source.next(); entry !== undefined; entry = await source.next()) {
      if (await warmOne(cache, entry)) warmed++;
      onProgress?.(++done);
    }
  };
  const results = await Promise.allSettled(
    Array.from({ length: workers }, () => work().catch((error) => source.end(error))),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return warmed;
}

/** Entries one after the other, whoever asks: not every iterator can be asked for the next before it gave the last. */
class Source {
  private readonly iterator: Iterator<WarmEntry> | AsyncIterator<WarmEntry>;
  private turn: Promise<unknown> = Promise.resolve();
  private isOver = false;

  constructor(entries: Iterable<WarmEntry> | AsyncIterable<WarmEntry>) {
    this.iterator = Symbol.asyncIterator in entries ? entries[Symbol.asyncIterator]() : entries[Symbol.iterator]();
  }

  /** Undefined at the end. */
  next(): Promise<WarmEntry | undefined> {
    const next = this.turn.then(() => this.step());
    this.turn = next.catch(() => undefined);
    return next;
  }

  /** Nothing more is handed out, and the iterator may clean up. @throws the reason */
  async end(reason: unknown): Promise<never> {
    const wasOver = this.isOver;
    this.isOver = true;
    if (!wasOver) await this.turn.then(() => this.iterator.return?.());
    throw reason;
  }

  private async step(): Promise<WarmEntry | undefined> {
    if (this.isOver) return undefined;
    try {
      const step = await this.iterator.next();
      if (step.done !== true) return step.value;
    } catch (error) {
      this.isOver = true;
      throw error;
    }
    this.isOver = true;
    return undefined;
  }
}

async function warmOne(cache: Warmable, entry: WarmEntry): Promise<boolean> {
  const { key, value, load, options } = knownOptions(entry, 'entries', [
    'key',
    'value',
    'load',
    'options',
  ]) as WarmEntry;
  if (load === undefined) {
    await cache.set(key, value, options);
    return true;
  }
  return (await cache.getOrSet(key, load, options)) !== undefined;
}
