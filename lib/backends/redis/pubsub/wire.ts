import type { FollowingWire, Wire } from '../../../core/bus.js';
import type { Clock } from '../../../core/clock.js';
import type { PubSub } from '../options.js';
import type { Client } from '../connection/send-command.js';
import type { RedisPool } from '../connection/pool.js';
import { channelOf, type RedisShards } from '../shards.js';
import { ShardedWire } from './sharded.wire.js';
import { BroadcastWire } from './broadcast.wire.js';

interface WiresParts {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Signs of life go by the way that commands go. */
  readonly pool: RedisPool;
  readonly shards: RedisShards;
  /** What subscribers are made from. */
  readonly client: Client;
}

/** The way to hear what processes announce in this way. */
export function wireOf(pubSub: PubSub, parts: WiresParts): Wire | FollowingWire {
  const { clock, random, pool, shards, client } = parts;
  if (pubSub === 'sharded') {
    const publish = (at: string, text: string): Promise<unknown> => pool.pick().command('SPUBLISH', at, text);
    return new ShardedWire({ clock, random, client, shards, publish });
  }
  const publish = (channel: string, text: string): Promise<unknown> => pool.pick().publish(channel, text);
  return new BroadcastWire({ clock, random, client, channel: channelOf(shards.lead), publish });
}
