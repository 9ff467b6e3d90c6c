import type { Cluster } from 'ioredis';

/**
 * The masters of a cluster that this process has dealt with. One that is new may be a replica which has not heard of the
 * last invalidations, and the client may be led to it by an answer of another node long before it looks at the whole
 * cluster again. One that is gone is forgotten: when it comes back, it is new.
 */
export class Masters {
  private known: ReadonlySet<string> | undefined;

  /** Whether one is there now that was not before. Cheap: it is asked after every answer. */
  look(cluster: Cluster): boolean {
    const nodes = cluster.nodes('master');
    const { known } = this;
    if (known?.size === nodes.length && nodes.every((node) => known.has(nameOf(node)))) return false;
    this.known = new Set(nodes.map(nameOf));
    return known !== undefined && nodes.some((node) => !known.has(nameOf(node)));
  }
}

function nameOf({ options }: ReturnType<Cluster['nodes']>[number]): string {
  return `${options.host}:${options.port}`;
}
