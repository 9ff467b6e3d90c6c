/**
 * One channel for a whole cache, heard on one connection, which is made anew each time it breaks. In a cluster it leads to
 * any of the masters, which pass on to each other what is said.
 */
import type { Cluster, Redis } from 'ioredis';
import type { Wire, WireEvents } from '../../../core/bus.js';
import type { Clock } from '../../../core/clock.js';
import type { Client } from '../connection/send-command.js';
import type { Backoff } from '../../remote/backoff.js';
import { reconnectBackoff, Subscriber } from '../connection/subscriber.js';

export interface WireParts {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The client for commands, which the subscriber is made from. */
  readonly client: Client;
  readonly channel: string;
  readonly publish: (channel: string, text: string) => Promise<unknown>;
}

export class BroadcastWire implements Wire {
  private readonly backoff: Backoff;
  private events: WireEvents | undefined;
  private subscriber: Subscriber | undefined;
  private cancelRetry: (() => void) | undefined;
  private turn = 0;
  private isClosed = false;

  constructor(private readonly parts: WireParts) {
    this.backoff = reconnectBackoff(parts.random);
  }

  open(events: WireEvents): void {
    this.events = events;
    this.connect();
  }

  async send(text: string): Promise<void> {
    await this.parts.publish(this.parts.channel, text);
  }

  reconnect(): void {
    this.subscriber?.end();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelRetry?.();
    const { subscriber } = this;
    this.subscriber = undefined;
    subscriber?.end();
  }

  private connect(): void {
    if (this.isClosed) return;
    const like = this.like();
    if (like === undefined) {
      this.retry();
      return;
    }
    const subscriber = new Subscriber(like, this.parts.clock, () => this.ended(subscriber));
    this.subscriber = subscriber;
    const { redis } = subscriber;
    redis.on('message', (_channel: string, text: string) => {
      if (this.subscriber === subscriber) this.events?.onText(text);
    });
    redis
      .connect()
      .then(() => redis.subscribe(this.parts.channel))
      .then(
        () => this.subscribed(subscriber),
        () => subscriber.end(),
      );
  }

  private subscribed(subscriber: Subscriber): void {
    if (this.subscriber !== subscriber) return;
    subscriber.settle();
    this.backoff.reset();
    this.events?.onUp();
  }

  private ended(subscriber: Subscriber): void {
    if (this.subscriber !== subscriber) return;
    this.subscriber = undefined;
    this.events?.onDown();
    this.retry();
  }

  private retry(): void {
    if (this.isClosed) return;
    this.cancelRetry = this.parts.clock.after(this.backoff.next(), () => this.connect());
  }

  /** One that commands go to already, where there is one. Undefined: a cluster that does not know any of its nodes yet. */
  private like(): Redis | undefined {
    const { client } = this.parts;
    if (!client.isCluster) return client as Redis;
    const all = (client as Cluster).nodes('master');
    const ready = all.filter(({ status }) => status === 'ready');
    const masters = ready.length > 0 ? ready : all;
    return masters[this.turn++ % Math.max(1, masters.length)];
  }
}
