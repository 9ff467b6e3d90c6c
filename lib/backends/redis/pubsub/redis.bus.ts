/** A bus over Redis for a second level that is somewhere else: nothing is kept there, messages only pass. */
import type { Cluster, Redis } from 'ioredis';
import type { BusFactory, Wire, WireEvents, WireParts } from '../../../core/bus.js';
import { machineOf } from '../../../core/clock.js';
import { BackendError, CacheConfigError } from '../../../core/errors.js';
import { knownOptions } from '../../../core/own-options.js';
import { problemOf } from '../connection/errors.js';
import { openClients } from '../connection/client.js';
import { DriverTicks } from '../../shared/driver-ticks.js';
import type { Client } from '../connection/send-command.js';
import { CONNECTION_OPTIONS, resolveRedisOptions, type RedisOptions, type ResolvedRedisOptions } from '../options.js';
import { keepConnected } from '../connection/reconnect.js';
import { BroadcastWire } from './broadcast.wire.js';
import { Warnings } from '../../shared/warnings.js';

/** In which a client sends at once, or connects in order to. */
const SENDING: ReadonlySet<string> = new Set(['ready', 'wait']);

/** Where the bus is: the connection options of `redis()`, which mean the same here. Exactly one way of them. */
export type RedisBusOptions = Pick<RedisOptions, (typeof CONNECTION_OPTIONS)[number]>;

/**
 * A bus over Redis, for a cache of two levels whose second one is somewhere else. Nothing is stored there; messages name
 * tenants, tags and fingerprints of keys, never values, on the channel `<prefix>:1:bus`. While it is away, calls go on
 * without copies in memory; see `bus` of `tiered()`.
 *
 * @example
 * tiered({ l1: memory(), l2: mongo({ uri }), bus: { via: redisBus({ url: 'redis://localhost:6379' }) } })
 * @throws CacheConfigError naming the option that cannot work
 */
export function redisBus(options: RedisBusOptions = {}): BusFactory {
  const resolved = resolveOptions(options);
  return Object.freeze({ kind: 'redis', wire: (parts: WireParts) => new RedisBusWire(resolved, parts) });
}

/** One connection that listens, and one to speak. */
class RedisBusWire implements Wire {
  private readonly client: Client;
  private readonly isOwned: boolean;
  private readonly stopReconnecting: (() => void) | undefined;
  private readonly wire: BroadcastWire;
  private readonly warnings: Warnings;
  private readonly ticks = new DriverTicks();

  constructor(
    options: ResolvedRedisOptions,
    private readonly parts: WireParts,
  ) {
    const { random, prefix } = parts;
    const clock = machineOf(parts.clock);
    this.warnings = new Warnings('redisBus', { ...parts, clock });
    this.ticks.run();
    const { client } = options.source;
    this.isOwned = client === undefined;
    // One, so that what is said keeps its order.
    this.client = client ?? (openClients({ ...options, maxConnections: 1 }, random)[0] as Client);
    this.client.on('error', this.onError);
    if (this.isOwned) this.stopReconnecting = keepConnected(this.client, clock, random);
    const publish = (channel: string, text: string): Promise<unknown> => this.publisher().publish(channel, text);
    this.wire = new BroadcastWire({ clock, random, client: this.client, channel: `${prefix}:1:bus`, publish });
  }

  open(events: WireEvents): void {
    this.wire.open(events);
  }

  send(text: string): Promise<void> {
    this.ticks.run();
    return this.wire.send(text);
  }

  reconnect(): void {
    this.wire.reconnect();
  }

  async close(): Promise<void> {
    await this.wire.close();
    this.ticks.close();
    this.stopReconnecting?.();
    this.client.off('error', this.onError);
    if (!this.isOwned) return;
    this.client.on('error', () => undefined);
    this.client.disconnect();
  }

  /**
   * In a cluster always the same master, as long as it is connected: by different ways messages may overtake each other. An
   * adopted client may keep what it cannot send, however much that is, and it is of no use later.
   */
  private publisher(): Redis {
    const { client } = this;
    const masters = client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
    const node = masters.find(({ status }) => status === 'ready') ?? masters[0];
    if (node === undefined || !SENDING.has(node.status))
      throw new BackendError('an announcement', 'redis', { why: 'not connected' });
    return node;
  }

  private readonly onError = (error: Error): void => this.warnings.warn(problemOf(error));
}

/** As those of `redis()`, under the name of this. */
function resolveOptions(options: RedisBusOptions): ResolvedRedisOptions {
  const known = knownOptions(options, 'redisBus', CONNECTION_OPTIONS);
  try {
    return resolveRedisOptions(known);
  } catch (error) {
    if (!(error instanceof CacheConfigError)) throw error;
    const problem = error.message.slice(`${error.option}: `.length);
    throw new CacheConfigError(error.option.replace(/^redis/, 'redisBus'), problem, { cause: error });
  }
}
