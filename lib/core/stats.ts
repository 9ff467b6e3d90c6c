import type { BackendInfo, Usage } from './backend.js';
import type { Counters, Span } from './keys/space-stats.js';

/** What a part of the cache has done in this process, and what it holds now. */
export interface CacheStats {
  /** From when on the figures count: the start of the cache, or later where they are not complete. */
  readonly since: Date;
  /**
   * False when something that this part has counted before `since` may have been forgotten: of more than 20,000 namespaces
   * of tenants and users, those that are used least are counted anew. Always true for the totals of a cache.
   */
  readonly complete: boolean;
  /** Reads answered by a fresh entry. */
  readonly hits: number;
  /** Reads that found nothing usable, and loaded or went without. */
  readonly misses: number;
  /** Reads that found nothing usable and were answered by a load that another had begun. No misses. */
  readonly coalesced: number;
  /** Reads answered by an entry past its ttl. */
  readonly stale: number;
  /** Calls that ran without the cache. */
  readonly bypasses: number;
  /** (hits + stale) / (hits + stale + misses + coalesced); 0 before the first read. */
  readonly hitRate: number;
  readonly sets: number;
  /** Entries removed by name, by pattern or by clear. */
  readonly evictions: number;
  /** Entries removed because a bound was reached. */
  readonly displaced: number;
  /** Loaded values that were not stored. */
  readonly refused: number;
  readonly errors: number;
  /** Live entries now; undefined while the backend does not answer. */
  readonly size: number | undefined;
  /** Bytes they take (estimated in memory); undefined while the backend does not answer. */
  readonly memoryUsage: number | undefined;
  /** Share of the nearer bound that the whole backend fills, 0 to 1; undefined where that is unknown, or there is none. */
  readonly utilization: number | undefined;
}

/** What a backend says of what it holds, if it says it. */
export interface Holdings {
  readonly usage: Usage;
  readonly info: BackendInfo;
}

export function statsOf(stats: Counters, held: Holdings | undefined, { sinceMs, isComplete }: Span): CacheStats {
  const { hits, misses, coalesced, stale, bypasses, sets, evictions, displaced, refused, errors } = stats;
  const reads = hits + stale + misses + coalesced;
  return {
    since: new Date(sinceMs),
    complete: isComplete,
    hits,
    misses,
    coalesced,
    stale,
    bypasses,
    hitRate: reads === 0 ? 0 : (hits + stale) / reads,
    sets,
    evictions,
    displaced,
    refused,
    errors,
    size: held?.usage.entries,
    memoryUsage: held?.usage.bytes,
    utilization: held === undefined ? undefined : utilizationOf(held.info),
  };
}

function utilizationOf({ entries, maxEntries, usedBytes, maxBytes }: BackendInfo): number | undefined {
  const shares = [
    maxEntries === undefined ? undefined : entries / maxEntries,
    maxBytes === undefined ? undefined : usedBytes / maxBytes,
  ];
  const known = shares.filter((share) => share !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
