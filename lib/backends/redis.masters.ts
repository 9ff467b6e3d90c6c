import type { Cluster, Redis } from 'ioredis';

/**
 * The masters of a cluster that this process has dealt with. One that is new may be a replica which has not heard of the
 * last invalidations, and the client may be led to it by an answer of another node long before it looks at the whole
 * cluster again. One that is gone is forgotten: when it comes back, it is new. So is one whose connection has ended: it may
 * have been started again in the same place, with yesterday's data, sooner than the others took it for dead.
 */
export class Masters {
  private known: Set<Redis> | undefined;

  /** Whether one is there now that was not before. Cheap: it is asked after every answer. */
  look(cluster: Cluster): boolean {
    const nodes = cluster.nodes('master');
    const { known } = this;
    if (known?.size === nodes.length && nodes.every((node) => known.has(node))) return false;
    const met = new Set(nodes);
    this.known = met;
    const strangers = nodes.filter((node) => known?.has(node) !== true);
    for (const node of strangers) node.once('close', () => this.known?.delete(node));
    return known !== undefined && strangers.length > 0;
  }
}
