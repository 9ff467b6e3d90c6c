import type { BackendInfo, Usage } from './backend.js';
import type { Tally } from './tally.js';

/** What a part of the cache has done since the process started, and what it holds now. */
export interface CacheStats {
  /** Reads answered by a fresh entry. */
  readonly hits: number;
  /** Reads that found nothing usable. */
  readonly misses: number;
  /** Reads answered by an entry past its ttl. */
  readonly stale: number;
  /** Calls that ran without the cache. */
  readonly bypasses: number;
  /** (hits + stale) / (hits + stale + misses); 0 before the first read. */
  readonly hitRate: number;
  readonly sets: number;
  /** Entries removed by name, by pattern or by clear. */
  readonly evictions: number;
  /** Entries removed because a bound was reached. */
  readonly displaced: number;
  /** Loaded values that were not stored. */
  readonly refused: number;
  readonly errors: number;
  /** Live entries now. */
  readonly size: number;
  /** Bytes they take (estimated in memory). */
  readonly memoryUsage: number;
  /** Share of the nearer bound that the whole backend fills, 0 to 1; undefined where the backend has no bound. */
  readonly utilization: number | undefined;
}

export function statsOf(tally: Tally, usage: Usage, info: BackendInfo): CacheStats {
  const { hits, misses, stale, bypasses, sets, evictions, displaced, refused, errors } = tally;
  const reads = hits + stale + misses;
  return {
    hits,
    misses,
    stale,
    bypasses,
    hitRate: reads === 0 ? 0 : (hits + stale) / reads,
    sets,
    evictions,
    displaced,
    refused,
    errors,
    size: usage.entries,
    memoryUsage: usage.bytes,
    utilization: utilizationOf(info),
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
