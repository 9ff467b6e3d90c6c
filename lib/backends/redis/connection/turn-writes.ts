import type { Cluster, Redis } from 'ioredis';
import type { Duplex } from 'node:stream';
import { afterThisTurn } from '../../../core/clock.js';
import { slotOf } from '../slot.js';
import { nameOf } from './cluster-nodes.js';
import type { Client } from './send-command.js';

/**
 * Scripts that are sent in one turn of the event loop leave in one system call, which costs more than a script: of a cluster
 * in one for each node. Nothing else changes: each is a command with an answer of its own, in the order of the calls.
 */
export class TurnWrites {
  /** Sockets that keep what is written until the turn is over. */
  private readonly kept = new Set<Duplex>();

  /** @param key what the script is about */
  gather(client: Client, key: string): void {
    const stream = client.isCluster ? nodeOf(client as Cluster, key)?.stream : (client as Partial<Redis>).stream;
    if (stream === undefined || this.kept.has(stream)) return;
    this.kept.add(stream);
    stream.cork();
    afterThisTurn(() => {
      this.kept.delete(stream);
      stream.uncork();
    });
  }
}

function nodeOf(cluster: Cluster, key: string): Redis | undefined {
  const name = cluster.slots[slotOf(key.slice(key.indexOf('{') + 1, key.indexOf('}')))]?.[0];
  return name === undefined ? undefined : cluster.nodes('master').find((node) => nameOf(node) === name);
}
