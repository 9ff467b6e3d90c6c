/**
 * Gives up a connection of ours that owes an answer and through which nothing comes: a black hole. What ioredis has for that
 * (`socketTimeout`) sets up a timer and a listener for every command, a tenth of what a GET costs; this is one timer for
 * each connection.
 *
 * It counts looks, and no time: a process that is kept from its work looks once afterwards, however long that took, and what
 * has arrived meanwhile is read before a connection is judged.
 */
import type { Cluster, Redis } from 'ioredis';
import type { Socket } from 'node:net';
import { machineClock, type Clock } from '../../../core/clock.js';
import type { Client } from './send-command.js';

/** So many times a connection is looked at while it may be silent. */
const LOOKS = 4;
/** Where both versions of ioredis keep what has been sent and not been answered; not shown by their declarations. */
const UNANSWERED = 'commandQueue';

/** @param silenceMs how long a connection may owe an answer without anything coming; a quarter of it longer at most */
export function watchSilence(client: Client, silenceMs: number, clock: Clock = machineClock): void {
  const watch = (redis: Redis): void => void new SilenceWatch(redis, silenceMs / LOOKS, clock);
  if (!client.isCluster) return watch(client as Redis);
  const cluster = client as Cluster;
  for (const node of cluster.nodes()) watch(node);
  cluster.on('+node', watch);
}

class SilenceWatch {
  private cancel: (() => void) | undefined;
  /** Bytes that had come at the last look. */
  private read = 0;
  /** Looks in a row that saw an answer owed and nothing come. */
  private silent = 0;

  constructor(
    private readonly redis: Redis,
    private readonly everyMs: number,
    private readonly clock: Clock,
  ) {
    // With the handshake, in which a server that takes connections and answers nothing is silent as well.
    redis.on('connect', () => this.begin());
    redis.on('close', () => this.cancel?.());
  }

  private begin(): void {
    this.cancel?.();
    this.read = this.silent = 0;
    this.cancel = this.clock.after(this.everyMs, this.look);
  }

  private readonly look = (): void => {
    const { stream } = this.redis;
    const isSilent = stream.bytesRead === this.read && this.owes();
    this.read = stream.bytesRead;
    this.silent = isSilent ? this.silent + 1 : 0;
    // The first of them may have seen what was asked just before.
    if (this.silent > LOOKS) void this.giveUp(stream as Socket);
    else this.cancel = this.clock.after(this.everyMs, this.look);
  };

  private async giveUp(stream: Socket): Promise<void> {
    await this.clock.breathe();
    await this.clock.breathe();
    if (stream.destroyed) return;
    if (stream.bytesRead !== this.read) this.begin();
    else stream.destroy(new Error('Nothing came through a connection that owed an answer'));
  }

  private owes(): boolean {
    const unanswered = Reflect.get(this.redis, UNANSWERED) as { readonly length: number } | undefined;
    return unanswered !== undefined && unanswered.length > 0;
  }
}
