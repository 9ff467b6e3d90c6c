import type { FollowingWire, Wire } from '../../../core/bus.js';
import type { Clock } from '../../../core/clock.js';
import type { PubSub } from '../options.js';
import type { Client } from '../connection/connection.js';
import type { RedisLink } from '../connection/pool.js';
import { channelOf, type ShardMap } from '../shards.js';
import { RedisShardedWire } from './sharded.wire.js';
import { RedisWire } from './broadcast.wire.js';

interface WiresParts {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Signs of life go by the way that commands go. */
  readonly link: RedisLink;
  readonly shards: ShardMap;
  /** What listeners are made from. */
  readonly client: Client;
}

/** The way to hear what processes announce in this way. */
export function wireOf(pubSub: PubSub, parts: WiresParts): Wire | FollowingWire {
  const { clock, random, link, shards, client } = parts;
  const command = pubSub === 'sharded' ? 'SPUBLISH' : 'PUBLISH';
  const publish = (channel: string, text: string): Promise<unknown> => link.pick().command(command, channel, text);
  if (pubSub === 'sharded') return new RedisShardedWire({ clock, random, client, shards, publish });
  return new RedisWire({ clock, random, client, channel: channelOf(shards.lead), publish });
}
