/**
 * Each shard has a channel of its own, in the slot of its keys, and is heard from the server that keeps it: one connection
 * to each that keeps something we follow. What is said elsewhere costs us nothing, and what we are told costs only that
 * server.
 */
import type { Cluster, Redis } from 'ioredis';
import type { FollowingEvents, FollowingWire, Line } from '../../../core/bus.js';
import type { Clock } from '../../../core/clock.js';
import type { Partition } from '../../../core/keys/partition.js';
import { nameOf } from '../connection/cluster-nodes.js';
import type { Client } from '../connection/send-command.js';
import { ShardSubscriber } from './shard-subscriber.js';
import type { Backoff } from '../../remote/backoff.js';
import { reconnectBackoff } from '../connection/subscriber.js';
import type { Shard, RedisShards } from '../shards.js';

/** Channels heard at once: what a server keeps for us stays within a few megabytes. */
const MAX_CHANNELS = 10_000;

export interface ShardedWireParts {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The client for commands, which the subscribers are made from. */
  readonly client: Client;
  readonly shards: RedisShards;
  readonly publish: (channel: string, text: string) => Promise<unknown>;
}

/** A channel that is to be heard. */
interface Wanted {
  readonly shard: Shard;
  readonly followed: Followed;
  /** Where it is heard or was asked for. Undefined: nowhere yet. */
  subscriber: ShardSubscriber | undefined;
}

interface Followed {
  readonly partition: Partition;
  /** Channels of the partition that are not heard. */
  readonly missing: Set<string>;
}

export class ShardedWire implements FollowingWire {
  readonly most: number;
  private readonly backoff: Backoff;
  /** By the name of their server; '' is the only one there is. */
  private readonly subscribers = new Map<string, ShardSubscriber>();
  private readonly wanted = new Map<string, Wanted>();
  /** What an adopted client puts before every key, and so before the channels that scripts declare. */
  private readonly keyPrefix: string;
  private events: FollowingEvents | undefined;
  private cancelRetry: (() => void) | undefined;
  private isClosed = false;

  constructor(private readonly parts: ShardedWireParts) {
    this.backoff = reconnectBackoff(parts.random);
    this.most = Math.floor(MAX_CHANNELS / parts.shards.count);
    this.keyPrefix = parts.client.options.keyPrefix ?? '';
  }

  open(events: FollowingEvents): void {
    this.events = events;
  }

  follow(partition: Partition): void {
    const channels = this.channelsOf(partition);
    const followed: Followed = { partition, missing: new Set(channels.map(([channel]) => channel)) };
    for (const [channel, shard] of channels) this.wanted.set(channel, { shard, followed, subscriber: undefined });
    for (const [channel] of channels) this.place(channel);
  }

  unfollow(partition: Partition): void {
    for (const [channel] of this.channelsOf(partition)) {
      const subscriber = this.wanted.get(channel)?.subscriber;
      this.wanted.delete(channel);
      subscriber?.unfollow(channel);
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelRetry?.();
    this.wanted.clear();
    for (const subscriber of this.subscribers.values()) subscriber.drop();
  }

  private channelsOf(partition: Partition): (readonly [string, Shard])[] {
    return this.parts.shards.all(partition).map((shard) => [`${this.keyPrefix}${shard.channel}`, shard] as const);
  }

  private placeAll(): void {
    for (const channel of this.wanted.keys()) this.place(channel);
  }

  /** What cannot be placed now is placed when the subscriber to its server is up, or with the next attempt. */
  private place(channel: string): void {
    const wanted = this.wanted.get(channel);
    if (wanted === undefined || wanted.subscriber !== undefined) return;
    const subscriber = this.subscriberFor(wanted.shard);
    if (subscriber === undefined) this.retry();
    else if (subscriber.isOpen) {
      wanted.subscriber = subscriber;
      subscriber.follow(channel);
    }
  }

  /** Undefined: not now; the last attempt was too short ago, or a cluster does not know yet which server keeps the slot. */
  private subscriberFor(shard: Shard): ShardSubscriber | undefined {
    const { client, clock } = this.parts;
    const server = client.isCluster ? (client as Cluster).slots[shard.slot]?.[0] : '';
    if (server === undefined) return undefined;
    const known = this.subscribers.get(server);
    if (known !== undefined || this.cancelRetry !== undefined) return known;
    const like = client.isCluster ? nodeOf(client as Cluster, server) : (client as Redis);
    if (like === undefined) return undefined;
    const publish = (channel: string, text: string): Promise<unknown> =>
      this.parts.publish(channel.slice(this.keyPrefix.length), text);
    const subscriber = new ShardSubscriber(
      like,
      { clock, publish },
      {
        onUp: (up) => {
          this.events?.onLineUp(up);
          this.placeAll();
        },
        onHeard: (channel) => this.heard(channel),
        onRefused: (channel) => this.refused(channel),
        onDown: (down, channels) => this.down(server, down, channels),
        onText: (text, from) => this.events?.onText(text, from),
      },
    );
    this.subscribers.set(server, subscriber);
    return subscriber;
  }

  private heard(channel: string): void {
    const followed = this.wanted.get(channel)?.followed;
    if (followed === undefined) return;
    this.backoff.reset();
    if (followed.missing.delete(channel) && followed.missing.size === 0) this.events?.onFollowed(followed.partition);
  }

  /** It is the last to be tried again, so that it does not keep others from being tried first. */
  private refused(channel: string): void {
    const wanted = this.wanted.get(channel);
    if (wanted === undefined) return;
    this.wanted.delete(channel);
    this.wanted.set(channel, wanted);
    this.lost([channel]);
  }

  private down(server: string, subscriber: Line, channels: readonly string[]): void {
    if (this.subscribers.get(server) === subscriber) this.subscribers.delete(server);
    this.events?.onLineDown(subscriber);
    this.lost(channels);
  }

  private lost(channels: readonly string[]): void {
    for (const channel of channels) {
      const wanted = this.wanted.get(channel);
      if (wanted === undefined) continue;
      const { partition, missing } = wanted.followed;
      if (missing.size === 0) this.events?.onLost(partition);
      missing.add(channel);
      wanted.subscriber = undefined;
    }
    if (channels.length > 0) this.retry();
  }

  /** The slots may have other keepers by now. Until the client knows them, the attempts fail, and are repeated. */
  private retry(): void {
    if (this.isClosed || this.cancelRetry !== undefined) return;
    const { client, clock } = this.parts;
    if (client.isCluster) (client as Cluster).refreshSlotsCache();
    this.cancelRetry = clock.after(this.backoff.next(), () => {
      this.cancelRetry = undefined;
      this.placeAll();
    });
  }
}

function nodeOf(cluster: Cluster, server: string): Redis | undefined {
  return cluster.nodes('master').find((node) => nameOf(node) === server);
}
