import type { Cluster, Redis } from 'ioredis';

/**
 * The masters of a cluster that this process has dealt with. One that is new may be a replica which has not heard of the
 * last invalidations, and the client may be led to it by an answer of another node long before it looks at the whole
 * cluster again. One that is gone is forgotten: when it comes back, it is new. So is one whose connection has ended: it may
 * have been started again in the same place, with yesterday's data, sooner than the others took it for dead.
 */
export class TopologyWatch {
  /** Each with its handler for the end of its connection. */
  private known: Map<Redis, () => void> | undefined;
  private isOver = false;

  /** Whether one is there now that was not before. Cheap: it is asked after every answer. */
  hasNew(cluster: Cluster): boolean {
    const nodes = cluster.nodes('master');
    const { known } = this;
    if (known?.size === nodes.length && nodes.every((node) => known.has(node))) return false;
    if (this.isOver) return false;
    const isNew = known !== undefined && nodes.some((node) => !known.has(node));
    this.unwatch();
    this.known = new Map(nodes.map((node) => [node, this.watch(node)]));
    return isNew;
  }

  /** For the end: the nodes of an adopted cluster go on. */
  stop(): void {
    this.isOver = true;
    this.unwatch();
  }

  private watch(node: Redis): () => void {
    const onClose = (): void => void this.known?.delete(node);
    node.once('close', onClose);
    return onClose;
  }

  private unwatch(): void {
    for (const [node, onClose] of this.known ?? []) node.off('close', onClose);
  }
}
