/**
 * A connection that only listens. It is made anew each time it breaks, never resumed: what was said in between is lost,
 * and whoever listens has to know. In a cluster it leads to any of the masters, which pass on to each other what is said.
 */
import type { Cluster, Redis, RedisOptions as ClientOptions } from 'ioredis';
import type { Wire, WireEvents } from '../core/bus.js';
import type { Clock } from '../core/clock.js';
import type { Client } from './redis.connection.js';
import { connectorFor } from './redis.connector.js';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;
const CONNECT_MS = 2_000;

/** What sets a listener apart from the client it is made from. */
const LISTENING: ClientOptions = Object.freeze({
  autoResubscribe: false,
  enableOfflineQueue: false,
  lazyConnect: true,
  maxRetriesPerRequest: 0,
  // Signs of life go round here, and they are what tells silence from death.
  socketTimeout: undefined,
  retryStrategy: () => null,
});

export interface WireParts {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The client for commands, which the listener is made from. */
  readonly client: Client;
  readonly channel: string;
  readonly publish: (channel: string, text: string) => Promise<unknown>;
}

export class RedisWire implements Wire {
  private events: WireEvents | undefined;
  private listener: Redis | undefined;
  private cancelRetry: (() => void) | undefined;
  private pauseMs = FIRST_PAUSE_MS;
  private turn = 0;
  private isClosed = false;

  constructor(private readonly parts: WireParts) {}

  open(events: WireEvents): void {
    this.events = events;
    this.connect();
  }

  async send(text: string): Promise<void> {
    await this.parts.publish(this.parts.channel, text);
  }

  reconnect(): void {
    const { listener } = this;
    if (listener !== undefined) this.drop(listener);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelRetry?.();
    const { listener } = this;
    this.listener = undefined;
    listener?.disconnect();
  }

  private connect(): void {
    if (this.isClosed) return;
    const listener = this.make();
    if (listener === undefined) {
      this.retry();
      return;
    }
    this.listener = listener;
    listener.on('error', () => undefined);
    listener.on('close', () => this.drop(listener));
    listener.on('end', () => this.drop(listener));
    listener.on('message', (_channel: string, text: string) => {
      if (this.listener === listener) this.events?.onText(text);
    });
    const giveUp = this.parts.clock.after(CONNECT_MS, () => this.drop(listener));
    listener
      .connect()
      .then(() => listener.subscribe(this.parts.channel))
      .then(
        () => this.subscribed(listener),
        () => this.drop(listener),
      )
      .finally(giveUp);
  }

  private subscribed(listener: Redis): void {
    if (this.listener !== listener) return;
    this.pauseMs = FIRST_PAUSE_MS;
    this.events?.onUp();
  }

  private drop(listener: Redis): void {
    if (this.listener !== listener) return;
    this.listener = undefined;
    listener.disconnect();
    this.events?.onDown();
    this.retry();
  }

  private retry(): void {
    if (this.isClosed) return;
    const waitMs = this.pauseMs * (0.5 + this.parts.random() / 2);
    this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
    this.cancelRetry = this.parts.clock.after(waitMs, () => this.connect());
  }

  /** Undefined: a cluster that does not know any of its nodes yet. */
  private make(): Redis | undefined {
    const { client } = this.parts;
    if (!client.isCluster) return listenerOf(client as Redis);
    const masters = (client as Cluster).nodes('master');
    const master = masters[this.turn++ % Math.max(1, masters.length)];
    return master && listenerOf(master);
  }
}

function listenerOf(client: Redis): Redis {
  return client.duplicate({ ...LISTENING, Connector: connectorFor(client.options) });
}
