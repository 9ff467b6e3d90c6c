import { createHash } from 'node:crypto';
import type { Key, KeyId } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';

/** The keys of one shard on the server, all in one slot because of the hash tag. */
export class Shard {
  /** Partition and number, as they stand in the hash tag. */
  readonly name: string;
  readonly meta: string;
  readonly index: string;
  readonly expiries: string;
  readonly labels: string;
  /** Where its changes are told, in sharded mode. */
  readonly channel: string;

  constructor(private readonly lead: string) {
    this.name = lead.slice(lead.indexOf('{') + 1, lead.lastIndexOf('}'));
    this.meta = `${lead}m`;
    this.index = `${lead}k`;
    this.expiries = `${lead}x`;
    this.labels = `${lead}t`;
    this.channel = channelOf(lead);
  }

  entry(id: KeyId): string {
    return `${this.lead}e:${id}`;
  }

  lease(id: KeyId): string {
    return `${this.lead}l:${id}`;
  }

  /** Everything that storing an entry touches. */
  around(id: KeyId): string[] {
    return [this.entry(id), this.meta, this.lease(id), this.index, this.expiries];
  }
}

/** Shards remembered, so that a hit does not build the same names again. */
const MAX_SHARDS = 50_000;

/**
 * Which shard an id belongs to. The number of shards is part of the names: another number is another cache, so that no
 * process can invalidate in one place what another stored in a different one.
 */
export class ShardMap {
  private readonly known = new Map<string, Shard>();

  /** What every key of this cache starts with: its prefix and the version of this layout. */
  readonly lead: string;

  constructor(
    prefix: string,
    /** How many a partition has. */
    readonly count: number,
  ) {
    this.lead = `${prefix}:1:`;
  }

  of({ id, space }: Key): Shard {
    return this.shard(space.partition, this.count === 1 ? 0 : spread(id) % this.count);
  }

  /** All shards of a partition: what labels and clears have to reach. */
  all(partition: Partition): Shard[] {
    return Array.from({ length: this.count }, (_, number) => this.shard(partition, number));
  }

  private shard(partition: Partition, number: number): Shard {
    const name = this.count === 1 ? partition : `${partition}.${number}.${this.count}`;
    let shard = this.known.get(name);
    if (shard === undefined) {
      if (this.known.size >= MAX_SHARDS) this.known.delete(this.known.keys().next().value as string);
      shard = new Shard(`${this.lead}{${name}}:`);
      this.known.set(name, shard);
    }
    return shard;
  }
}

/** The channel of a shard, or of a whole cache, by what its keys begin with. */
export function channelOf(lead: string): string {
  return `${lead}b`;
}

function spread(id: KeyId): number {
  return createHash('sha1').update(id).digest().readUInt32BE(0);
}
