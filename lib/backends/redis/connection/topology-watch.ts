import type { Cluster, Redis } from 'ioredis';
import { nameOf, namesOfMasters } from './cluster-nodes.js';

export interface TopologyEvents {
  /** A master is there that was none before. */
  onNew(): void;
  /** A master is there again whose connection had ended. */
  onReturned(name: string): void;
  /** A connection to a master has ended, or one that was being made. */
  onGone(name: string): void;
}

/**
 * The masters of a cluster that this process has dealt with. One that is new may be a replica which has not heard of the
 * last invalidations, and the client may be led to it by an answer of another node long before it looks at the whole
 * cluster again. One that is gone is forgotten: when it comes back, it is new. One whose connection has ended may have been
 * started again in the same place, with yesterday's data, sooner than the others took it for dead: it is back once it is
 * connected. As long as it is dead ioredis makes connection after connection to it, and nothing of that concerns the others.
 */
export class TopologyWatch {
  /** Connections to masters, each with what ends the watch over it. */
  private readonly known = new Map<Redis, () => void>();
  /** Undefined: no master was seen yet. */
  private names: ReadonlySet<string> | undefined;
  private isOver = false;

  constructor(private readonly events: TopologyEvents) {}

  /** Cheap: it is asked after every answer. */
  look(cluster: Cluster): void {
    const nodes = cluster.nodes('master');
    if (this.known.size === nodes.length && nodes.every((node) => this.known.has(node))) return;
    if (this.isOver) return;
    const before = this.names;
    const added = nodes.filter((node) => !this.known.has(node));
    for (const [node, unwatch] of this.known) if (!nodes.includes(node)) this.forget(node, unwatch);
    for (const node of added) this.watch(node, before?.has(nameOf(node)) === true);
    // A master that is dead keeps its slots, and its name.
    const keepers = namesOfMasters(cluster);
    this.names = new Set([...nodes.map(nameOf), ...[...(before ?? [])].filter((name) => keepers.has(name))]);
    if (before !== undefined && added.some((node) => !before.has(nameOf(node)))) this.events.onNew();
  }

  /** For the end: the nodes of an adopted cluster go on. */
  stop(): void {
    this.isOver = true;
    for (const [node, unwatch] of this.known) this.forget(node, unwatch);
  }

  private watch(node: Redis, isBack: boolean): void {
    const onClose = (): void => {
      this.forget(node, unwatch);
      this.events.onGone(nameOf(node));
    };
    const onReady = (): void => this.events.onReturned(nameOf(node));
    const unwatch = (): void => {
      node.off('close', onClose);
      node.off('ready', onReady);
    };
    this.known.set(node, unwatch);
    node.once('close', onClose);
    if (!isBack) return;
    if (node.status === 'ready') onReady();
    else node.once('ready', onReady);
  }

  private forget(node: Redis, unwatch: () => void): void {
    unwatch();
    this.known.delete(node);
  }
}
