/** The masters of a cluster, as owners of what their slots hold. */
import type { Cluster } from 'ioredis';
import type { BackendInfo } from '../../core/backend.js';
import type { Draft } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';
import type { Invalidation } from '../shared/invalidation.js';
import type { Owners } from '../shared/owners.js';
import type { RedisPool } from './connection/pool.js';
import { SlotOwners } from './connection/slot-owners.js';
import type { RedisInvalidation } from './invalidation.js';
import type { RedisWrites, SealedEntry } from './writes.js';
import type { RedisShards, Shard } from './shards.js';
import type { DueMs } from '../shared/due.js';

export class RedisOwners implements Owners {
  onMoved: (() => void) | undefined;
  onReturned: ((owner: string) => void) | undefined;
  onGone: ((owner: string) => void) | undefined;
  private readonly slots: SlotOwners;

  constructor(
    cluster: Cluster,
    private readonly pool: RedisPool,
    private readonly shards: RedisShards,
    private readonly to: { readonly invalidation: () => RedisInvalidation; readonly writes: RedisWrites },
  ) {
    this.slots = new SlotOwners(cluster);
    this.slots.onMoved = () => this.onMoved?.();
  }

  get version(): number {
    return this.slots.version;
  }

  of(key: Key): string {
    return this.slots.of(this.shards.of(key).slot);
  }

  readonly ofShard = ({ slot }: Shard): string => this.slots.of(slot);

  all(): ReadonlySet<string> {
    return this.slots.all();
  }

  concernedBy(invalidation: Invalidation): ReadonlySet<string> {
    switch (invalidation.kind) {
      case 'evict':
        return new Set(invalidation.keys.map((key) => this.of(key)));
      case 'invalidate':
        return this.ofPartition(invalidation.partition);
      case 'clear':
        return this.ofPartition(invalidation.view.partition);
      case 'matching':
        return this.ofPartition(invalidation.selection.view.partition);
      case 'namespace':
      case 'everything':
        return this.all();
    }
  }

  keeps(owner: string, partition: Partition): boolean {
    return this.ofPartition(partition).has(owner);
  }

  apply(owner: string, invalidation: Invalidation, counts: boolean): Promise<number> {
    return this.to.invalidation().applyAt(owner, invalidation, counts);
  }

  async seal(
    entries: readonly (readonly [Key, Draft])[],
  ): Promise<ReadonlyMap<string, (dueMs: DueMs) => Promise<void>>> {
    const { writes } = this.to;
    const groups = new Map<string, SealedEntry[]>();
    for (const sealed of await writes.sealAll(entries)) {
      const owner = this.of(sealed[0]);
      const known = groups.get(owner);
      if (known === undefined) groups.set(owner, [sealed]);
      else known.push(sealed);
    }
    return new Map([...groups].map(([owner, some]) => [owner, (dueMs) => writes.storeAll(some, dueMs)]));
  }

  ping(owner: string): Promise<void> {
    return this.pool.ping(owner === '' ? undefined : owner);
  }

  async info(owner: string): Promise<BackendInfo> {
    const { infoOf } = await import('./info.js');
    return infoOf(this.pool.pick(), owner === '' ? undefined : owner);
  }

  close(): void {
    this.slots.close();
  }

  private ofPartition(partition: Partition): ReadonlySet<string> {
    return new Set(this.shards.all(partition).map(this.ofShard));
  }
}
