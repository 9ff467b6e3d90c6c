/**
 * A decorator for a backend that can be slow or away: a deadline on every call, a circuit breaker, and a queue for
 * invalidations that were not confirmed. With it a failing backend costs reads at most one deadline, and nothing while
 * the circuit is open (guarantee G9); invalidations are retried, and fail when their outcome stays unknown (G8).
 */
import type {
  Backend,
  BackendInfo,
  FillOutcome,
  Lease,
  LeaseReply,
  LeaseRequest,
  Page,
  Reading,
  Selection,
  Usage,
} from '../../core/backend.js';
import { inPortions, PORTION } from '../../core/async/portions.js';
import type { Draft } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import type { View } from '../../core/keys/space.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import { GuardedCalls } from './guarded-calls.js';
import { leaseInTime, releaseAnyway } from './guarded-leases.js';
import { evictInPortions } from './many-keys.js';
import { MANY, type GuardSettings, type Punctual } from './options.js';
import { commonPartition } from './overflow.js';
import type { Resending } from './retry-queue.js';
import { openOrClose } from '../shared/open-close.js';
import type { LevelParts } from '../shared/second-level.js';

export class GuardedBackend implements Backend {
  static {
    hideFromLogs(this.prototype, 'GuardedBackend');
  }

  readonly kind: string;
  readonly calls: GuardedCalls;
  private isClosed = false;

  constructor(
    private readonly inner: Backend & Resending & Punctual,
    settings: GuardSettings,
    parts: LevelParts,
  ) {
    this.kind = inner.kind;
    this.calls = new GuardedCalls(inner, settings, parts);
  }

  read(key: Key): Promise<Reading> {
    return this.calls.guard('read', () => this.inner.read(key), key.space.partition);
  }

  readMany(keys: readonly Key[]): Promise<readonly Reading[]> {
    // Each portion has a deadline of its own, so a server that hangs still costs one.
    return inPortions(keys, (some) =>
      this.calls.guard('readMany', () => this.inner.readMany(some), commonPartition(some)),
    );
  }

  lease(key: Key, request: LeaseRequest): Promise<LeaseReply> {
    return leaseInTime(this.calls, this.inner, key, request);
  }

  renew(lease: Lease, leaseMs: number): Promise<boolean> {
    return this.calls.guard('renew', () => this.inner.renew(lease, leaseMs), lease.key.space.partition);
  }

  release(lease: Lease): Promise<void> {
    return releaseAnyway(this.calls, this.inner, lease);
  }

  fill(lease: Lease, draft: Draft): Promise<FillOutcome> {
    return this.calls.guard('fill', () => this.inner.fill(lease, draft), lease.key.space.partition);
  }

  write(key: Key, draft: Draft): Promise<void> {
    return this.calls.guard('write', (dueMs) => this.inner.write(key, draft, dueMs), key.space.partition);
  }

  writeMany(entries: readonly (readonly [Key, Draft])[]): Promise<void> {
    const deadlines = entries.length > MANY ? this.calls.longDeadlines : undefined;
    const partition = commonPartition(entries.map(([key]) => key));
    return this.calls.guard('writeMany', (dueMs) => this.inner.writeMany(entries, dueMs), partition, deadlines);
  }

  expire(key: Key, freshForMs: number, keptForMs: number): Promise<boolean> {
    return this.calls.guard('expire', () => this.inner.expire(key, freshForMs, keptForMs), key.space.partition);
  }

  increment(key: Key, by: number, draft: Omit<Draft, 'value'>): Promise<number> {
    return this.calls.guard('increment', () => this.inner.increment(key, by, draft), key.space.partition);
  }

  evict(keys: readonly Key[]): Promise<number> {
    const evict = (some: readonly Key[]): Promise<number> =>
      this.calls.untilConfirmed({ kind: 'evict', keys: some }, () => this.inner.evict(some));
    if (keys.length <= PORTION) return evict(keys);
    return evictInPortions(keys, evict, (left) => this.calls.queueUp({ kind: 'evict', keys: left }));
  }

  invalidate(partition: Partition, labels: readonly Label[]): Promise<void> {
    return this.calls.untilConfirmed({ kind: 'invalidate', partition, labels }, () =>
      this.inner.invalidate(partition, labels),
    );
  }

  clear(view: View): Promise<number> {
    return this.calls.untilConfirmed({ kind: 'clear', view }, () => this.inner.clear(view));
  }

  removeMatching(selection: Selection): Promise<number> {
    return this.calls.untilConfirmed({ kind: 'matching', selection }, () => this.inner.removeMatching(selection));
  }

  clearEverything(): Promise<number> {
    return this.calls.untilConfirmed({ kind: 'everything' }, () => this.inner.clearEverything());
  }

  scan(selection: Selection, cursor: string | undefined): Promise<Page> {
    return this.calls.guard(
      'scan',
      () => this.inner.scan(selection, cursor),
      selection.view.partition,
      this.calls.longDeadlines,
    );
  }

  usage(view: View | undefined): Promise<Usage> {
    return this.calls.guard('usage', () => this.inner.usage(view), view?.partition, this.calls.longDeadlines);
  }

  info(): Promise<BackendInfo> {
    return this.calls.guard('info', () => this.inner.info(), 'probe');
  }

  ping(): Promise<void> {
    return this.calls.ping();
  }

  async open(): Promise<void> {
    await openOrClose(this.inner, this);
  }

  onReborn(listener: () => void): void {
    this.calls.onReborn = listener;
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.calls.close();
    await this.inner.close();
  }
}
