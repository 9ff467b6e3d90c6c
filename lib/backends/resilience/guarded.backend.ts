/**
 * A decorator for a backend that can be slow or away: a deadline on every call, a circuit breaker, and a queue for
 * invalidations that were not confirmed. With it a failing backend costs reads at most one deadline, and nothing while
 * the circuit is open (guarantee G9); invalidations are retried, and fail when their outcome stays unknown (G8).
 */
import type { Awaitable } from '../../core/async/awaitable.js';
import type {
  Backend,
  BackendInfo,
  FillOutcome,
  Lease,
  LeaseReply,
  LeaseRequest,
  Page,
  Reading,
  RebornListener,
  Selection,
  Usage,
} from '../../core/backend.js';
import { inPortions, PORTION } from '../../core/async/portions.js';
import type { Draft } from '../../core/entry.js';
import { UnansweredError } from '../../core/errors.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import type { View } from '../../core/keys/space.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import { GuardedCalls } from './guarded-calls.js';
import { leaseInTime, releaseAnyway } from './guarded-leases.js';
import { evictInPortions } from './many-keys.js';
import { loading } from './preparation.js';
import { MANY, type GuardSettings, type Punctual } from './options.js';
import { commonPartition } from './overflow.js';
import { resend, type Resending } from './retry-queue.js';
import { Deadlines } from './deadlines.js';
import { Journal } from './journal.js';
import { anyAnswers, Lanes } from './lanes.js';
import { OutageLog } from './outage-log.js';
import { readingsOf } from './readings.js';
import { openOrClose } from '../shared/open-close.js';
import { acrossPartitions, type Invalidation } from '../shared/invalidation.js';
import type { Owners } from '../shared/owners.js';
import type { LevelParts } from '../shared/second-level.js';
import type { Load } from '../shared/due.js';

export class GuardedBackend implements Backend {
  static {
    hideFromLogs(this.prototype, 'GuardedBackend');
  }

  readonly kind: string;
  readonly leasesInOneTrip: boolean | undefined;
  /** Calls to the only server, or to whichever of several. */
  readonly calls: GuardedCalls;
  /** Calls to each of several servers. */
  private readonly lanes: Lanes | undefined;
  private readonly deadlines: Deadlines;
  private readonly longDeadlines: Deadlines;
  private readonly journal: Journal;
  private notifyReborn: RebornListener | undefined;
  private isClosed = false;

  constructor(
    private readonly inner: Backend & Resending & Punctual & { readonly owners?: Owners | undefined },
    settings: GuardSettings,
    parts: LevelParts,
    /** Where the server is, for messages; without credentials. */
    address?: string,
  ) {
    const { kind, owners } = inner;
    const { clock } = parts;
    this.kind = kind;
    this.leasesInOneTrip = inner.leasesInOneTrip;
    const deadlines = (this.deadlines = new Deadlines(clock, settings.timeoutMs));
    const longDeadlines = (this.longDeadlines = new Deadlines(clock, settings.longTimeoutMs));
    const journal = (this.journal = new Journal(clock, settings.journalMs, settings.maxRetries));
    const shared = { ...parts, settings, deadlines, longDeadlines, journal };
    const whole = new OutageLog(kind, parts, undefined, address);
    const server = {
      kind,
      ping: () => (owners === undefined ? inner.ping() : anyAnswers(owners)),
      resend: (invalidation: Invalidation) => resend(inner, invalidation),
    };
    this.calls = new GuardedCalls(server, { ...shared, outageLog: whole });
    if (owners !== undefined) {
      const make = (owner: string): GuardedCalls => {
        const ping = (): Promise<void> => owners.ping(owner);
        const again = (invalidation: Invalidation): Promise<unknown> => owners.apply(owner, invalidation, false);
        const outageLog = owner === '' ? whole : new OutageLog(kind, parts, { name: owner, whole });
        return new GuardedCalls({ kind, ping, resend: again }, { ...shared, outageLog });
      };
      this.lanes = new Lanes({ kind, owners, journal, make });
      owners.onReturned = (owner) => this.returned(owner, owners);
      owners.onGone = (owner) => this.gone(owner, owners);
    }
    inner.onReborn?.(() => this.reborn());
  }

  read(key: Key): Promise<Reading> {
    return (this.lanes?.of(key) ?? this.calls).guard('read', () => this.inner.read(key), key.space.partition);
  }

  readMany(keys: readonly Key[]): Promise<readonly Reading[]> {
    // Each portion has a deadline of its own, so a server that hangs still costs one.
    if (this.lanes !== undefined) return inPortions(keys, (some) => this.readEach(some));
    return inPortions(keys, (some) =>
      this.calls.guard('readMany', () => this.inner.readMany(some), commonPartition(some)),
    );
  }

  lease(key: Key, request: LeaseRequest): Promise<LeaseReply> {
    return leaseInTime(this.lanes?.of(key) ?? this.calls, this.inner, key, request);
  }

  renew(lease: Lease, leaseMs: number): Promise<boolean> {
    return this.to(lease.key).guard('renew', () => this.inner.renew(lease, leaseMs), lease.key.space.partition);
  }

  release(lease: Lease): Promise<void> {
    return releaseAnyway(this.to(lease.key), this.inner, lease);
  }

  fill(lease: Lease, draft: Draft): Promise<FillOutcome> {
    const { partition } = lease.key.space;
    return this.to(lease.key).guard('fill', (_, load) => this.inner.fill(lease, draft, load), partition);
  }

  write(key: Key, draft: Draft): Promise<void> {
    const { partition } = key.space;
    return this.to(key).guard('write', (dueMs, load) => this.inner.write(key, draft, loading(dueMs, load)), partition);
  }

  writeMany(entries: readonly (readonly [Key, Draft])[]): Promise<void> {
    const deadlines = entries.length > MANY ? this.longDeadlines : undefined;
    const partition = commonPartition(entries.map(([key]) => key));
    if (this.lanes !== undefined) return this.writeEach(this.lanes, entries, partition, deadlines);
    const work = (dueMs: () => number, load: Load) => this.inner.writeMany(entries, loading(dueMs, load));
    return this.calls.guard('writeMany', work, partition, deadlines);
  }

  expire(key: Key, freshForMs: number, keptForMs: number): Promise<boolean> {
    const { partition } = key.space;
    return this.to(key).guard('expire', (_, load) => this.inner.expire(key, freshForMs, keptForMs, load), partition);
  }

  increment(key: Key, by: number, draft: Omit<Draft, 'value'>): Promise<number> {
    const { partition } = key.space;
    return this.to(key).guard('increment', (dueMs) => this.inner.increment(key, by, draft, dueMs), partition);
  }

  async evict(keys: readonly Key[]): Promise<number> {
    const { lanes, calls } = this;
    if (lanes === undefined) return this.evictAt(calls, keys);
    const groups = [...lanes.group(keys)];
    const [first] = groups;
    if (first !== undefined && groups.length === 1) return this.evictAt(lanes.to(first[0]), keys, first[0]);
    const parts = groups.map(([owner, some]) => this.evictAt(lanes.to(owner), some, owner));
    return lanes.settled('evict', parts);
  }

  async invalidate(partition: Partition, labels: readonly Label[]): Promise<void> {
    await this.remove({ kind: 'invalidate', partition, labels }, () => this.inner.invalidate(partition, labels));
  }

  clear(view: View): Promise<number> {
    return this.remove({ kind: 'clear', view }, () => this.inner.clear(view));
  }

  removeMatching(selection: Selection): Promise<number> {
    return this.remove({ kind: 'matching', selection }, () => this.inner.removeMatching(selection));
  }

  clearEverything(view?: View): Promise<number> {
    return this.remove(acrossPartitions(view), () => this.inner.clearEverything(view));
  }

  scan(selection: Selection, cursor: string | undefined): Promise<Page> {
    return this.throughView('scan', selection.view, () => this.inner.scan(selection, cursor));
  }

  usage(view: View | undefined): Promise<Usage> {
    return this.throughView('usage', view, () => this.inner.usage(view));
  }

  info(): Promise<BackendInfo> {
    return this.lanes?.info() ?? this.calls.guard('info', () => this.inner.info(), 'probe');
  }

  ping(): Promise<void> {
    return this.calls.ping();
  }

  async open(): Promise<void> {
    await openOrClose(this.inner, this);
  }

  onReborn(listener: RebornListener): void {
    this.notifyReborn = listener;
  }

  /** A connection was made: probes the backend now instead of after the pause. */
  probeNow(): void {
    this.calls.probeNow();
    this.lanes?.probeNow();
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.calls.close();
    this.lanes?.close();
    for (const deadlines of [this.deadlines, this.longDeadlines]) deadlines.close();
    await this.inner.close();
  }

  /** Calls about a key go to the server that keeps it. */
  to(key: Key): GuardedCalls {
    return this.lanes?.of(key) ?? this.calls;
  }

  /** From each server what it keeps. */
  private async readEach(keys: readonly Key[]): Promise<readonly Reading[]> {
    const lanes = this.lanes as Lanes;
    const groups = [...lanes.group(keys)];
    const outcomes = await Promise.allSettled(
      groups.map(([owner, some]) =>
        lanes.to(owner).guard('readMany', () => this.inner.readMany(some), commonPartition(some)),
      ),
    );
    return readingsOf(
      keys,
      groups.map(([, some]) => some),
      outcomes,
    );
  }

  /** All of them can be stored before any is, whichever server keeps it. */
  private async writeEach(
    lanes: Lanes,
    entries: readonly (readonly [Key, Draft])[],
    partition: Partition | undefined,
    deadlines: Deadlines | undefined,
  ): Promise<void> {
    const parts = [...(await lanes.owners.seal(entries))].map(async ([owner, store]) => {
      await lanes.to(owner).guard('writeMany', (dueMs, load) => store(loading(dueMs, load)), partition, deadlines);
      return 0;
    });
    await lanes.settled('writeMany', parts);
  }

  private evictAt(calls: GuardedCalls, keys: readonly Key[], owner?: string): Promise<number> {
    const { lanes } = this;
    const evict = (some: readonly Key[]): Promise<number> => {
      const invalidation = { kind: 'evict', keys: some } as const;
      const work = (): Awaitable<number> => this.inner.evict(some);
      if (lanes === undefined || owner === undefined) return calls.untilConfirmed(invalidation, work);
      return lanes.at(owner, invalidation, work);
    };
    if (keys.length <= PORTION) return evict(keys);
    return evictInPortions(keys, evict, (left) => (lanes ?? calls).queueUp({ kind: 'evict', keys: left }));
  }

  private async remove(invalidation: Invalidation, work: () => Awaitable<number | void>): Promise<number> {
    const { lanes, calls } = this;
    if (lanes !== undefined) return lanes.invalidate(invalidation, work);
    return (await calls.untilConfirmed(invalidation, work)) ?? 0;
  }

  /** Through a view, a portion after another. What several servers keep is not read while one has to be told something. */
  private async throughView<T>(operation: string, view: View | undefined, work: () => Awaitable<T>): Promise<T> {
    const { lanes, calls, longDeadlines } = this;
    const partition = view?.partition;
    const only = view === undefined ? undefined : lanes?.onlyOf({ kind: 'clear', view });
    if (lanes !== undefined && only === undefined && partition !== undefined && lanes.owes(partition))
      throw new UnansweredError(operation, 'invalidations are not confirmed', this.kind);
    return (only ?? calls).guard(operation, work, partition, longDeadlines);
  }

  /** Another server answers now: it may not know the last invalidations, and nothing that was asked before is believed. */
  private reborn(): void {
    if (this.lanes === undefined) this.calls.meetAnother(this.journal.recent());
    else {
      this.calls.meetAnother([]);
      this.lanes.meetAnother();
    }
    this.notifyReborn?.();
    this.calls.probeNow();
  }

  private gone(owner: string, owners: Owners): void {
    this.lanes?.lose(owner);
    // What goes through several servers, as a listing of shards.
    this.calls.lose((about) => about === undefined || about === 'probe' || owners.keeps(owner, about));
  }

  private returned(owner: string, owners: Owners): void {
    this.lanes?.meetAnother(owner);
    this.notifyReborn?.((partition) => owners.keeps(owner, partition));
  }
}
