import { createHash } from 'node:crypto';
import type { Key, KeyId } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';

/** Shards remembered, so that a hit does not build the same names again. */
const MAX_SHARDS = 50_000;

/**
 * Which shard an id belongs to. The number of shards is part of the names: another number is another cache, so that no
 * process can invalidate in one place what another stored in a different one.
 */
export class Shards<S> {
  private readonly known = new Map<string, S>();

  constructor(
    /** What every name of this cache on the server starts with: its prefix and the number of the layout. */
    readonly lead: string,
    /** How many a partition has. */
    readonly count: number,
    /** A shard by its name, with what all names of the cache start with. */
    private readonly make: (name: string, lead: string) => S,
  ) {}

  of({ id, space }: Pick<Key, 'id' | 'space'>): S {
    return this.shard(space.partition, this.count === 1 ? 0 : spread(id) % this.count);
  }

  /** All shards of a partition: what labels and clears have to reach. */
  all(partition: Partition): S[] {
    return Array.from({ length: this.count }, (_, number) => this.shard(partition, number));
  }

  /** Keys by the shards they lie in. */
  group(keys: readonly Key[]): ReadonlyMap<S, readonly Key[]> {
    const groups = new Map<S, Key[]>();
    for (const key of keys) {
      const shard = this.of(key);
      const known = groups.get(shard);
      if (known === undefined) groups.set(shard, [key]);
      else known.push(key);
    }
    return groups;
  }

  private shard(partition: Partition, number: number): S {
    const name = this.count === 1 ? partition : `${partition}.${number}.${this.count}`;
    let shard = this.known.get(name);
    if (shard === undefined) {
      if (this.known.size >= MAX_SHARDS) this.known.delete(this.known.keys().next().value as string);
      shard = this.make(name, this.lead);
      this.known.set(name, shard);
    }
    return shard;
  }
}

function spread(id: KeyId): number {
  return createHash('sha1').update(id).digest().readUInt32BE(0);
}
