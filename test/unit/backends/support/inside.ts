import assert from 'node:assert/strict';
import { memory } from '../../../../lib/backends/memory/memory.backend.js';
import type { MemoryOptions } from '../../../../lib/backends/memory/options.js';
import { PARTITION_BYTES, STAMPED_LABEL_BYTES } from '../../../../lib/backends/memory/cost.js';
import type { MemoryPartition } from '../../../../lib/backends/memory/partition.js';
import type { SharedMetadata, Group, MemoryRecord } from '../../../../lib/backends/memory/record.js';
import type { MemoryStore } from '../../../../lib/backends/memory/store.js';
import type { LruList } from '../../../../lib/backends/memory/lru-list.js';
import type { Backend, LeaseReply, Reading } from '../../../../lib/core/backend.js';
import type { Clock } from '../../../../lib/core/clock.js';
import type { Draft } from '../../../../lib/core/entry.js';
import { compileGlob } from '../../../../lib/core/keys/glob.js';
import { KeyFactory, type Key } from '../../../../lib/core/keys/key.js';
import type { Label } from '../../../../lib/core/keys/label.js';
import type { LimitOptions } from '../../../../lib/core/limits.js';
import { scopeOf, type Scope, type Width } from '../../../../lib/core/keys/scope.js';
import type { View } from '../../../../lib/core/keys/space.js';
import { StatsRegistry } from '../../../../lib/core/keys/stats-registry.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';
import { backendParts } from '../../../support/machine/backends.js';

export interface Where {
  readonly tenant?: string;
  readonly user?: string;
  readonly namespace?: string;
  readonly tags?: readonly string[];
}

/** Memory answers at once: the contract allows promises, this backend promises more. */
export type SyncBackend = Omit<Backend, 'read' | 'lease' | 'fill' | 'evict' | 'increment' | 'expire' | 'renew'> & {
  read(key: Key): Reading;
  lease(...args: Parameters<Backend['lease']>): LeaseReply;
  fill(...args: Parameters<Backend['fill']>): string;
  evict(keys: readonly Key[]): number;
  increment(...args: Parameters<Backend['increment']>): number;
  expire(...args: Parameters<Backend['expire']>): boolean;
  renew(...args: Parameters<Backend['renew']>): boolean;
};

/** A memory backend, what it keeps inside, and keys to play with. */
export class RunInContext<C extends Clock = FakeClock> {
  readonly clock: C;
  readonly backend: SyncBackend;
  readonly store: MemoryStore;
  private readonly scopes = new Map<string, Scope>();
  readonly keyFactory = new KeyFactory({}, new StatsRegistry());

  constructor(options: MemoryOptions = {}, more: { clock?: C; limits?: LimitOptions } = {}) {
    this.clock = more.clock ?? (new FakeClock() as Clock as C);
    this.backend = memory(options).create(backendParts({ clock: this.clock, limits: more.limits })) as SyncBackend;
    this.store = (this.backend as unknown as { store: MemoryStore }).store;
  }

  /** One scope object per tenant and user, as in production: spaces are kept by it. */
  scope({ tenant = 'acme', user }: Where = {}): Scope {
    const name = `${tenant}/${user}`;
    const known = this.scopes.get(name) ?? scopeOf({ tenant, user });
    this.scopes.set(name, known);
    return known;
  }

  key(name: unknown, where: Where = {}): Key {
    const width: Width = where.user === undefined ? 'tenant' : 'user';
    return this.keyFactory.key(
      this.keyFactory.space(this.scope(where), width, where.namespace ?? 'cats'),
      [name],
      where.tags,
    );
  }

  tag(tag: string, where: Where = {}): Label {
    return this.keyFactory.tagLabel(this.scope(where), where.user === undefined ? 'tenant' : 'user', tag);
  }

  view(where: Where = {}): View {
    return this.keyFactory.view(this.scope(where), where.user === undefined ? 'tenant' : 'user', where.namespace);
  }

  everywhere(namespace: string): View {
    return this.keyFactory.everywhere(namespace);
  }

  draft(key: Key, value: unknown, freshForMs = 3_600_000, keptForMs = freshForMs): Draft {
    return { value, labels: key.labels, freshForMs, keptForMs, isolation: undefined };
  }

  write(key: Key, value: unknown, freshForMs?: number, keptForMs?: number): void {
    void this.backend.write(key, this.draft(key, value, freshForMs, keptForMs));
  }

  /** The value under a key, if it survives its required stamp and its time. */
  value(key: Key): unknown {
    const { entry, required } = this.backend.read(key);
    if (entry === undefined || !entry.isOf(key)) return undefined;
    const isValid = entry.generation === required.generation && entry.stamp >= required.stamp;
    return isValid && this.clock.monotonicMs() < entry.freshUntilMs ? entry.value : undefined;
  }

  removeMatching(pattern: string, where: Where = {}): Promise<number> {
    return Promise.resolve(this.backend.removeMatching({ view: this.view(where), match: compileGlob(pattern) }));
  }

  /** What a partition holds beside its records, counted anew. */
  besideRecords(partition: MemoryPartition<Group>): number {
    const { labels } = partition as unknown as { labels: ReadonlyMap<Label, unknown> | undefined };
    let bytes = PARTITION_BYTES;
    for (const label of labels?.keys() ?? []) bytes += STAMPED_LABEL_BYTES + label.length;
    for (const { costBytes, records } of partition.groups.values()) {
      bytes += costBytes;
      const shared = new Map<SharedMetadata, number>();
      for (const { metadata } of records.values()) shared.set(metadata, (shared.get(metadata) ?? 0) + 1);
      for (const [metadata, count] of shared) {
        assert.equal(metadata.records, count);
        bytes += metadata.costBytes;
      }
    }
    return bytes;
  }

  /** Groups, LRU list and sums agree, nothing is left over, and the bounds hold. */
  assertConsistent(bounds: MemoryOptions = {}): void {
    const groups = this.store.groups(undefined);
    const used = this.inOrderOfUse();
    let indexed = 0;
    let bytes = 0;
    for (const group of groups) {
      assert.ok(group.records.size > 0, `the group ${group.idPrefix} is empty and still there`);
      assert.equal(group.within.groups.get(group.idPrefix), group);
      indexed += group.records.size;
      let number = 0;
      for (const [text, record] of group.records) {
        assert.equal(record.text, text);
        assert.equal(record.metadata.group, group);
        assert.ok(record.number > number, 'a listing would leave it out');
        assert.ok(used.has(record), 'indexed, and in no order of use');
        number = record.number;
        bytes += record.costBytes;
      }
    }
    assert.equal(indexed, this.store.size, 'not everything that is stored is indexed');
    assert.equal(used.size, this.store.size, 'something is used that is not stored');
    for (const partition of this.store.allPartitions()) {
      assert.equal(partition.heldBytes, this.besideRecords(partition));
      bytes += partition.heldBytes;
      const isIdle = partition.groups.size === 0 && partition.leases === undefined;
      assert.ok(!isIdle, `the partition ${partition.partition} holds nothing and is still there`);
    }
    assert.equal(bytes, this.store.usedBytes);
    if (bounds.maxEntries !== undefined) assert.ok(this.store.size <= bounds.maxEntries);
    if (bounds.maxBytes !== undefined) assert.ok(this.store.usedBytes <= bounds.maxBytes);
  }

  private inOrderOfUse(): ReadonlySet<MemoryRecord> {
    const { lru } = this.store as unknown as { lru: LruList<MemoryRecord> };
    const records = new Set<MemoryRecord>();
    for (let record = lru.oldest; record !== undefined; record = record.newer) {
      assert.ok(record.newer === undefined || record.newer.older === record);
      records.add(record);
    }
    return records;
  }
}
