/** The masters of a cluster, by the names under which ioredis knows them: `host:port`. */
import type { Cluster, Redis } from 'ioredis';
import { BackendError } from '../../../core/errors.js';

export function nameOf({ options }: Redis): string {
  return `${options.host}:${options.port}`;
}

/**
 * A master that keeps something. ioredis forgets one whose connection has ended, until it looks at the slots again.
 * @throws BackendError where it is not connected to
 */
export function masterNamed(cluster: Cluster, name: string): Redis {
  const node = cluster.nodes('master').find((each) => nameOf(each) === name);
  if (node !== undefined) return node;
  cluster.refreshSlotsCache();
  throw new BackendError('a call', 'redis', { why: 'not connected' });
}

/** Those that keep slots, also one that is dead: the slots stay with it until another takes them over. */
export function namesOfMasters(cluster: Cluster): ReadonlySet<string> {
  const names = new Set<string>();
  let last: string | undefined;
  // Slots lie with their masters in long rows. Those that no master keeps are missing.
  for (const keepers of cluster.slots) {
    const name = keepers?.[0];
    if (name !== undefined && name !== last) names.add((last = name));
  }
  return names;
}

/** One that is connected, for what any of them can answer: of a dead one no answer would come. */
export function anyMaster(cluster: Cluster): Redis | undefined {
  const ready = cluster.nodes('master').filter(({ status }) => status === 'ready');
  return ready[Math.floor(ready.length / 2)];
}
