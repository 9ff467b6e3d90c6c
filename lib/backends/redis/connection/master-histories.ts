/**
 * Whose data the masters of a cluster hold. One that was a replica for a while, and is back before this process has seen
 * that, is the same process on the same connection, and may have taken the data of another: its history has another name.
 */
import type { Cluster, Redis } from 'ioredis';
import type { Clock } from '../../../core/clock.js';
import { factsOf, text } from './reply.js';
import { sendCommand } from './send-command.js';
import { lackBehind, LACK_OF_A_NODE } from './server-facts.js';
import { replidOf } from './server-probe.js';

const LOOK_EVERY_MS = 1_000;

export class MasterHistories {
  /** As last heard, of those that are connected to. */
  private readonly known = new WeakMap<Redis, string>();
  private readonly asked = new WeakSet<Redis>();
  private lookedAtMs = -Infinity;
  private cancel: (() => void) | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly clock: Clock,
    private readonly onOther: () => void,
    private readonly onLack: (lack: string) => void,
  ) {}

  begin(): void {
    this.stop();
    this.look();
    this.cancel = this.clock.after(LOOK_EVERY_MS, () => this.begin());
  }

  /** Before a call: a process that stood still is told of the time by its timers later than by its callers. */
  lookIfLate(): void {
    if (this.clock.monotonicMs() - this.lookedAtMs > LOOK_EVERY_MS) this.look();
  }

  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  private look(): void {
    this.lookedAtMs = this.clock.monotonicMs();
    // To ask one that is not connected to would connect to it; one that ends its connection is met anew all the same.
    for (const node of this.cluster.nodes('master')) if (node.status === 'ready') void this.ask(node);
  }

  private async ask(node: Redis): Promise<void> {
    // One that hangs is asked once.
    if (this.asked.has(node)) return;
    this.asked.add(node);
    const info = await sendCommand(node, 'INFO', 'replication').catch((error: unknown) => {
      if (lackBehind(error) !== undefined) this.onLack(LACK_OF_A_NODE);
    });
    this.asked.delete(node);
    const replid = info === undefined ? '' : replidOf(factsOf(text(info)));
    // Not allowed, not answered, or not said.
    if (replid === '') return;
    const before = this.known.get(node);
    this.known.set(node, replid);
    if (before !== undefined && before !== replid) this.onOther();
  }
}
