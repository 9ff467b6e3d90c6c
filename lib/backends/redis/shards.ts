import type { KeyId } from '../../core/keys/key.js';
import { Shards } from '../remote/shards.js';
import { slotOf } from './slot.js';

/** The number of this layout: see decision 0136. */
const LAYOUT = 2;

/** The keys of one shard on the server, all in one slot because of the hash tag. */
export class Shard {
  /** Partition and number, as they stand in the hash tag. */
  readonly name: string;
  readonly meta: string;
  readonly index: string;
  readonly expiries: string;
  readonly labels: string;
  /** What the meta hash says, as one string that is read together with entries. */
  readonly state: string;
  /** Where its changes are told, in sharded mode. */
  readonly channel: string;
  private knownSlot: number | undefined;

  constructor(private readonly lead: string) {
    this.name = lead.slice(lead.indexOf('{') + 1, lead.lastIndexOf('}'));
    this.meta = `${lead}m`;
    this.index = `${lead}k`;
    this.expiries = `${lead}x`;
    this.labels = `${lead}t`;
    this.state = `${lead}s`;
    this.channel = channelOf(lead);
  }

  /** Where all of it lies in a cluster. */
  get slot(): number {
    return (this.knownSlot ??= slotOf(this.name));
  }

  entry(id: KeyId): string {
    return `${this.lead}e:${id}`;
  }

  lease(id: KeyId): string {
    return `${this.lead}l:${id}`;
  }

  /** Everything that storing an entry touches. */
  around(id: KeyId): string[] {
    return [this.entry(id), this.meta, this.lease(id), this.index, this.expiries, this.state];
  }
}

export type RedisShards = Shards<Shard>;

/** @param count how many a partition has */
export function redisShards(prefix: string, count: number): RedisShards {
  return new Shards(`${prefix}:${LAYOUT}:`, count, (name, lead) => new Shard(`${lead}{${name}}:`));
}

/** The channel of a shard, or of a whole cache, by what its keys begin with. */
export function channelOf(lead: string): string {
  return `${lead}b`;
}
