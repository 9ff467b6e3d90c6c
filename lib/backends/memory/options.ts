import type { Isolation } from '../../core/values/isolation.js';
import { CacheConfigError } from '../../core/errors.js';
import { wholeNumber } from '../../core/limits.js';
import { knownOptions } from '../../core/own-options.js';

/** Options of {@link memory}. */
export interface MemoryOptions {
  /** Most entries kept, 1 to 100,000,000; beyond it the least recently used go. @default 50000 */
  readonly maxEntries?: number | undefined;
  /**
   * Most bytes kept, 1,024 and more (estimated, within a quarter of what the heap shows); beyond it the least recently
   * used go. Counts entries, their keys and tags, tenants and what they have invalidated, and what the cache knows of
   * tenants and users: scopes and counters, some 30 MB at most, which leave entries at least half of it. @default
   * 67108864 (64 MiB)
   */
  readonly maxBytes?: number | undefined;
  /**
   * Largest entry kept, in bytes, 256 to `maxBytes` (estimated). Larger ones are not stored; in front of another level
   * they stay there.
   * @default maxBytes
   */
  readonly maxEntryBytes?: number | undefined;
  /**
   * How stored values are kept apart from the values callers hold.
   * - `clone`: the store keeps a copy, every reader gets a copy. No caller can change what others read.
   * - `freeze`: the store keeps a deeply frozen copy that all readers share. Free per hit: for large hot values.
   *   What JavaScript cannot freeze (Map, Set, Date, URL, RegExp, bytes, what `fromJSON` makes) is copied for each reader,
   *   with the objects that lead to it: a list of ten thousand rows with a Date each costs as much as with `clone`.
   * - `none`: caller, store and readers share one object. For values that are never changed.
   * @default 'clone'
   */
  readonly isolate?: Isolation | undefined;
  /**
   * What one tenant may take of all this. Without it tenants share everything, and one that stores much displaces the
   * others. Costs a hit a few nanoseconds. `global` entries have no quota. `{}` for the defaults. @default none
   */
  readonly quota?: QuotaOptions | undefined;
}

/** What one tenant may take of a memory that all share. */
export interface QuotaOptions {
  /** Most entries of one tenant, 1 to the memory's `maxEntries`. @default a quarter of `maxEntries` */
  readonly maxEntries?: number | undefined;
  /**
   * Most bytes of one tenant, 256 to the memory's `maxBytes` (estimated), with its keys, its tags and what it has
   * invalidated.
   * @default a quarter of `maxBytes`
   */
  readonly maxBytes?: number | undefined;
  /**
   * What happens when a tenant that has reached it stores something new.
   * - `displace-own`: its own least recently used entries go.
   * - `reject`: it is not stored. Loaders' results reach their callers all the same; `set` fails with `CACHE_QUOTA`.
   * @default 'displace-own'
   */
  readonly onExceeded?: 'displace-own' | 'reject' | undefined;
}

export interface ResolvedQuota {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly onExceeded: 'displace-own' | 'reject';
}

/** A tenant's share unless said otherwise. */
const SHARE = 0.25;

export interface ResolvedMemoryOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly maxEntryBytes: number;
  readonly isolation: Isolation;
  readonly quota: ResolvedQuota | undefined;
}

const MEMORY_OPTIONS = Object.freeze(['maxEntries', 'maxBytes', 'maxEntryBytes', 'isolate', 'quota'] as const);
const QUOTA_OPTIONS = Object.freeze(['maxEntries', 'maxBytes', 'onExceeded'] as const);

/** Applies defaults and validates. @throws CacheConfigError naming the option */
export function resolveMemoryOptions(options: MemoryOptions): ResolvedMemoryOptions {
  const own = knownOptions(options, 'memory', MEMORY_OPTIONS);
  const { isolate: isolation = 'clone' } = own;
  if (isolation !== 'clone' && isolation !== 'freeze' && isolation !== 'none') {
    throw new CacheConfigError('memory.isolate', "must be 'clone', 'freeze' or 'none'");
  }
  const maxEntries = wholeNumber(own.maxEntries, 'memory.maxEntries', 50_000, 1, 100_000_000);
  const maxBytes = wholeNumber(own.maxBytes, 'memory.maxBytes', 67_108_864, 1_024, Number.MAX_SAFE_INTEGER);
  return Object.freeze({
    maxEntries,
    maxBytes,
    maxEntryBytes: wholeNumber(own.maxEntryBytes, 'memory.maxEntryBytes', maxBytes, 256, maxBytes),
    isolation,
    quota: own.quota === undefined ? undefined : resolveQuota(own.quota, maxEntries, maxBytes),
  });
}

function resolveQuota(options: QuotaOptions, maxEntries: number, maxBytes: number): ResolvedQuota {
  const own = knownOptions(options, 'memory.quota', QUOTA_OPTIONS);
  const { onExceeded = 'displace-own' } = own;
  if (onExceeded !== 'displace-own' && onExceeded !== 'reject')
    throw new CacheConfigError('memory.quota.onExceeded', "must be 'displace-own' or 'reject'");
  const [entries, bytes] = [Math.ceil(maxEntries * SHARE), Math.ceil(maxBytes * SHARE)];
  return Object.freeze({
    maxEntries: wholeNumber(own.maxEntries, 'memory.quota.maxEntries', entries, 1, maxEntries),
    maxBytes: wholeNumber(own.maxBytes, 'memory.quota.maxBytes', bytes, 256, maxBytes),
    onExceeded,
  });
}
