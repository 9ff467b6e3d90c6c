import type { Isolation } from '../core/entry.js';
import { CacheConfigError } from '../core/errors.js';
import { wholeNumber } from '../core/limits.js';

export interface MemoryOptions {
  /** Most entries kept; beyond it the least recently used go. @default 50000 */
  readonly maxEntries?: number | undefined;
  /** Most bytes kept (estimated); beyond it the least recently used go. @default 67108864 (64 MiB) */
  readonly maxBytes?: number | undefined;
  /**
   * How stored values are kept apart from the values callers hold.
   * - `clone`: the store keeps a copy, every reader gets a copy. Nobody can change what others read.
   * - `freeze`: the store keeps a deeply frozen copy that all readers share. Free per hit: for large hot values.
   *   (Maps, Sets, Dates and bytes cannot be frozen by JavaScript; they are shared.)
   * - `none`: caller, store and readers share one object. For values nobody ever changes.
   * @default 'clone'
   */
  readonly isolate?: Isolation | undefined;
}

export interface ResolvedMemoryOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly isolation: Isolation;
}

/** Applies defaults and validates. @throws CacheConfigError naming the option */
export function resolveMemoryOptions(options: MemoryOptions): ResolvedMemoryOptions {
  const isolation = options.isolate ?? 'clone';
  if (isolation !== 'clone' && isolation !== 'freeze' && isolation !== 'none') {
    throw new CacheConfigError('memory.isolate', "must be 'clone', 'freeze' or 'none'");
  }
  return Object.freeze({
    maxEntries: wholeNumber(options.maxEntries, 'memory.maxEntries', 50_000, 1, 100_000_000),
    maxBytes: wholeNumber(options.maxBytes, 'memory.maxBytes', 67_108_864, 1_024, Number.MAX_SAFE_INTEGER),
    isolation,
  });
}
