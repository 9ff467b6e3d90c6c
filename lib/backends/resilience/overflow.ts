/**
 * When a queue or journal of invalidations overflows, those of the tenant that has most are replaced by one clear of that
 * tenant: more than was requested and never less, and the invalidations of other tenants stay as they are.
 */
import type { Key } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';
import type { Invalidation } from '../shared/invalidation.js';

/** A tenant is cleared only if that frees at least one part in so many of the queue. */
const MIN_SHARE = 100;

/** How much of a queue it takes: an eviction counts as often as it has names, so that no list outgrows every bound. */
export function weightOf(invalidation: Invalidation): number {
  return invalidation.kind === 'evict' ? Math.max(1, invalidation.keys.length) : 1;
}

/** The partition that has most of them, if clearing it would make room. */
export function heaviestPartition(invalidations: Iterable<Invalidation>, limit: number): Partition | undefined {
  const counts = new Map<Partition, number>();
  let most = Math.max(1, Math.floor(limit / MIN_SHARE));
  let heaviest: Partition | undefined;
  for (const invalidation of invalidations) {
    const partition = partitionOf(invalidation);
    if (partition === undefined) continue;
    const count = (counts.get(partition) ?? 0) + weightOf(invalidation);
    counts.set(partition, count);
    if (count > most) [most, heaviest] = [count, partition];
  }
  return heaviest;
}

/** The clear of a whole partition: of a tenant, or of all global entries. */
export function clearOf(partition: Partition): Invalidation {
  return { kind: 'clear', view: { partition, path: undefined, namespace: undefined, label: undefined } };
}

/** The partition of an invalidation; undefined: several, or all. */
export function partitionOf(invalidation: Invalidation): Partition | undefined {
  switch (invalidation.kind) {
    case 'evict':
      return commonPartition(invalidation.keys);
    case 'invalidate':
      return invalidation.partition;
    case 'clear':
      return invalidation.view.partition;
    case 'matching':
      return invalidation.selection.view.partition;
    case 'namespace':
    case 'everything':
      return undefined;
  }
}

/** The partition that all keys are of; undefined: there are several, or no keys. */
export function commonPartition(keys: readonly Key[]): Partition | undefined {
  const partition = keys[0]?.space.partition;
  return keys.every(({ space }) => space.partition === partition) ? partition : undefined;
}
