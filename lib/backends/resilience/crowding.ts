/**
 * Where invalidations that wait or are remembered become too many, the tenant that has most of them is cleared in their
 * stead: more than was asked for and never less, and what others asked for stays as it was.
 */
import type { Partition } from '../../core/keys/partition.js';
import type { Invalidation } from '../shared/invalidation.js';

/** A tenant is cleared only if that makes room for one in so many of all. */
const WORTH_IT = 100;

/** The tenant that has most of them, if clearing it would make room. */
export function crowderOf(invalidations: Iterable<Invalidation>, limit: number): Partition | undefined {
  const counts = new Map<Partition, number>();
  let most = Math.max(1, Math.floor(limit / WORTH_IT));
  let crowder: Partition | undefined;
  for (const invalidation of invalidations) {
    const partition = partitionOf(invalidation);
    if (partition === undefined) continue;
    const count = (counts.get(partition) ?? 0) + 1;
    counts.set(partition, count);
    if (count > most) [most, crowder] = [count, partition];
  }
  return crowder;
}

/** Everything of a tenant, or of what belongs to everybody. */
export function clearOf(partition: Partition): Invalidation {
  return { kind: 'clear', view: { partition, path: undefined, namespace: undefined, label: undefined } };
}

/** Undefined: about several, or all. */
export function partitionOf(invalidation: Invalidation): Partition | undefined {
  switch (invalidation.kind) {
    case 'evict': {
      const partition = invalidation.keys[0]?.space.partition;
      return invalidation.keys.every(({ space }) => space.partition === partition) ? partition : undefined;
    }
    case 'invalidate':
      return invalidation.partition;
    case 'clear':
      return invalidation.view.partition;
    case 'matching':
      return invalidation.selection.view.partition;
    case 'everything':
      return undefined;
  }
}
