/**
 * Entries in this process. Answers synchronously, so that a hit costs no turn of the event loop; being alone in the
 * process, each method is atomic by itself. Keeps invariants 3, 4, 5 and 14.
 */
import { randomBytes } from 'node:crypto';
import type {
  AtHand,
  Backend,
  BackendFactory,
  BackendInfo,
  BackendParts,
  FillOutcome,
  Lease,
  LeaseReply,
  LeaseRequest,
  Page,
  Reading,
  Selection,
  Usage,
} from '../../core/backend.js';
import type { Awaitable } from '../../core/async/awaitable.js';
import { inPortions, PORTION } from '../../core/async/portions.js';
import { machineOf, type Clock } from '../../core/clock.js';
import type { Copied } from '../../core/values/copier.js';
import type { Draft } from '../../core/entry.js';
import { NotACounterError, QuotaExceededError, ValueTooLargeError } from '../../core/errors.js';
import { compileGlob } from '../../core/keys/glob.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import { Pace } from '../../core/async/pace.js';
import type { Partition } from '../../core/keys/partition.js';
import { WHOLE_SHARD, type View } from '../../core/keys/space.js';
import type { Stamp } from '../../core/stamp.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import { sum } from '../shared/batches.js';
import { graceOf } from '../shared/draft-times.js';
import { resolveMemoryOptions, type MemoryOptions, type ResolvedMemoryOptions } from './options.js';
import type { MemoryPartition } from './partition.js';
import { readingOf, type Group, type MemoryRecord } from './record.js';
import { scanPage } from './scan.js';
import { MemoryStore } from './store.js';
import { MemoryCleanup } from './cleanup.js';

const NOTHING: Reading = Object.freeze({
  entry: undefined,
  required: Object.freeze({ generation: '', stamp: 0 }),
  level: 'l1',
});
const EVERYTHING = compileGlob('*');

/**
 * Keeps entries in this process: the default backend. Bounded by entries and by bytes; the least recently used go first.
 *
 * @example
 * CacheModule.forRoot({ backend: memory({ maxEntries: 10_000, maxBytes: 32 * 1024 * 1024 }) })
 * @throws CacheConfigError naming the option that is out of range
 */
export function memory(options: MemoryOptions = {}): BackendFactory {
  const resolved = resolveMemoryOptions(options);
  return Object.freeze({
    kind: 'memory',
    create: (parts: BackendParts) => new MemoryBackend(resolved, parts),
    asFirstLevel: resolved,
  });
}

class MemoryBackend implements Backend {
  static {
    hideFromLogs(this.prototype, 'MemoryBackend');
  }

  readonly kind = 'memory';
  private readonly store: MemoryStore;
  readonly atHand: AtHand = { of: this, glance: (space, text) => this.store.use(space, text) };
  private readonly cleanup: MemoryCleanup;
  private readonly pace: Pace;
  private readonly nonce = randomBytes(8).toString('hex');
  private tokens = 0;
  /** Leases run on the machine's clock, as the timer that renews them does: see `Clock.machine`. */
  private readonly leaseClock: Clock;

  constructor(
    private readonly options: ResolvedMemoryOptions,
    private readonly parts: BackendParts,
  ) {
    this.leaseClock = machineOf(parts.clock);
    this.store = new MemoryStore(options, this.nonce, parts.besideBytes);
    this.pace = new Pace(parts.clock);
    this.cleanup = new MemoryCleanup(this.store, parts.clock, this.pace);
    this.store.onRemoved = (record, wasDisplaced) => {
      this.cleanup.countRemoved(record);
      if (wasDisplaced) record.metadata.group.stats.count('displaced');
    };
  }

  read(key: Key): Reading {
    const record = this.store.use(key.space, key.text);
    return record === undefined ? NOTHING : readingOf(record);
  }

  readMany(keys: readonly Key[]): readonly Reading[] {
    return keys.map((key) => this.read(key));
  }

  lease(key: Key, { leaseMs, purpose }: LeaseRequest): LeaseReply {
    const nowMs = this.parts.clock.monotonicMs();
    const record = this.store.use(key.space, key.text);
    const reading = record === undefined ? NOTHING : readingOf(record);
    if (purpose === 'missing' && record !== undefined && this.isFresh(record, nowMs)) return { kind: 'found', reading };
    const partition = this.store.partition(key.space.partition);
    const leasedAtMs = this.leaseClock.monotonicMs();
    const held = purpose === 'replace' ? undefined : partition.liveLease(key.id, leasedAtMs);
    if (held !== undefined) return { kind: 'held', token: held.token };
    const token = `${this.nonce}${++this.tokens}`;
    const { stamp } = partition.grant(key.id, token, leasedAtMs, leaseMs);
    return { kind: 'granted', lease: { key, token, generation: partition.generation, stamp }, reading };
  }

  renew(lease: Lease, leaseMs: number): boolean {
    const held = this.heldBy(lease);
    if (held === undefined) return false;
    held.expiresAtMs = this.leaseClock.monotonicMs() + leaseMs;
    return true;
  }

  release(lease: Lease): void {
    const partition = this.store.knownPartition(lease.key.space.partition);
    if (partition?.leases?.get(lease.key.id)?.token !== lease.token) return;
    partition.dropLease(lease.key.id);
    this.store.forgetIfIdle(partition);
  }

  fill(lease: Lease, draft: Draft): FillOutcome {
    const { key } = lease;
    const nowMs = this.parts.clock.monotonicMs();
    const partition = this.store.knownPartition(key.space.partition);
    if (partition === undefined || this.heldBy(lease) === undefined) return 'lease-lost';
    if (!partition.accepts(lease.stamp, draft.labels)) {
      this.release(lease);
      return 'invalidated';
    }
    const admitted = this.admit(key, draft);
    this.place(key, draft, admitted, lease.stamp, nowMs);
    // The partition has an entry now, so it stays. The lease may be another's: what was admitted may have code that runs.
    if (partition.leases?.get(key.id)?.token === lease.token) partition.dropLease(key.id);
    return 'stored';
  }

  write(key: Key, draft: Draft): void {
    this.writeMany([[key, draft]]);
  }

  writeMany(entries: readonly (readonly [Key, Draft])[]): void {
    const nowMs = this.parts.clock.monotonicMs();
    // All are admitted before any is stored: a value that cannot be kept must not leave half of a batch behind.
    const all = entries.map(([key, draft]) => ({ key, draft, admitted: this.admit(key, draft) }));
    for (const { key, draft, admitted } of all) {
      const partition = this.store.partition(key.space.partition);
      partition.dropLease(key.id);
      this.place(key, draft, admitted, partition.now, nowMs);
    }
  }

  expire(key: Key, freshForMs: number, keptForMs: number): boolean {
    const nowMs = this.parts.clock.monotonicMs();
    const record = this.fresh(key, nowMs);
    if (record === undefined) return false;
    this.store.extend(record, graceOf({ freshForMs, keptForMs }), nowMs + keptForMs);
    return true;
  }

  increment(key: Key, by: number, draft: Omit<Draft, 'value'>): number {
    const record = this.fresh(key, this.parts.clock.monotonicMs());
    const before = record === undefined ? 0 : record.count;
    const after = (before ?? NaN) + by;
    if (!Number.isSafeInteger(after)) throw new NotACounterError(key.space.namespace);
    if (record === undefined) this.write(key, { ...draft, value: after });
    else record.count = after;
    this.store.knownPartition(key.space.partition)?.dropLease(key.id);
    return after;
  }

  evict(keys: readonly Key[]): Awaitable<number> {
    return keys.length <= PORTION ? this.evictSome(keys) : inPortions(keys, (some) => [this.evictSome(some)]).then(sum);
  }

  private evictSome(keys: readonly Key[]): number {
    const nowMs = this.parts.clock.monotonicMs();
    let removed = 0;
    for (const key of keys) {
      const partition = this.store.knownPartition(key.space.partition);
      if (partition === undefined) continue;
      const record = this.store.peek(key);
      if (record !== undefined && this.store.isLive(record, nowMs)) removed++;
      partition.dropLease(key.id);
      if (record !== undefined) this.store.delete(record);
      this.store.forgetIfIdle(partition);
    }
    return removed;
  }

  invalidate(partition: Partition, labels: readonly Label[]): void {
    const known = this.store.knownPartition(partition);
    if (known !== undefined) this.alter(known, () => known.invalidate(labels));
  }

  clear(view: View): Promise<number> {
    const { label } = view;
    return this.cleanup.remove(view, EVERYTHING, (known) =>
      this.alter(known, () => (label === undefined ? known.raiseMinimumStamp() : known.invalidate([label]))),
    );
  }

  clearEverything(view: View = WHOLE_SHARD): Promise<number> {
    return this.clear(view);
  }

  removeMatching({ view, match }: Selection): Promise<number> {
    return this.cleanup.remove(view, match, (known) => known.beginPattern());
  }

  scan(selection: Selection, cursor: string | undefined): Promise<Page> {
    return scanPage(this.store, selection, this.parts.clock.monotonicMs(), cursor, this.pace);
  }

  usage(view: View = WHOLE_SHARD): Promise<Usage> {
    return this.cleanup.usage(view);
  }

  info(): Awaitable<BackendInfo> {
    const { maxEntries, maxBytes } = this.options;
    const { size: entries, usedBytes, quota } = this.store;
    const info = { kind: this.kind, entries, usedBytes, maxEntries, maxBytes };
    return quota === undefined ? info : quota.figures(this.parts.clock).then((details) => ({ ...info, details }));
  }

  ping(): void {
    // Being called is the answer.
  }

  close(): void {
    this.store.clear();
  }

  /** @throws UnserializableError, ValueTooLargeError */
  private admit(key: Key, draft: Draft): Copied {
    const { maxEntryBytes, quota, isolation } = this.options;
    const limitBytes = Math.min(this.parts.limits.maxValueBytes, maxEntryBytes, quota?.maxBytes ?? Infinity);
    // Copying stops at the limit, however large the value is.
    const admitted = this.parts.copier.admit(draft.value, draft.isolation ?? isolation, limitBytes);
    if (admitted.sizeBytes > limitBytes || !this.store.fits(key, admitted.sizeBytes)) {
      throw new ValueTooLargeError(admitted.sizeBytes, limitBytes);
    }
    if (quota !== undefined && !this.store.admits(key, admitted.sizeBytes, this.parts.clock.monotonicMs())) {
      throw new QuotaExceededError(key.space.namespace);
    }
    return admitted;
  }

  /** Stores a draft whose value was admitted. */
  private place(key: Key, draft: Draft, admitted: Copied, stamp: Stamp, nowMs: number): void {
    const { labels, keptForMs } = draft;
    const isolation = draft.isolation ?? this.options.isolation;
    const graceMs = graceOf(draft);
    this.store.place(key, { ...admitted, labels, stamp, graceMs, isolation, keptUntilMs: nowMs + keptForMs }, nowMs);
  }

  private alter(partition: MemoryPartition<Group>, change: () => void): void {
    this.store.alter(partition, change, this.parts.clock.monotonicMs());
  }

  /** A live record within its ttl, used just now. */
  private fresh(key: Key, nowMs: number): MemoryRecord | undefined {
    const record = this.store.use(key.space, key.text);
    return record !== undefined && this.isFresh(record, nowMs) ? record : undefined;
  }

  private isFresh(record: MemoryRecord, nowMs: number): boolean {
    return nowMs < record.freshUntilMs && this.store.isLive(record, nowMs);
  }

  /** The stored lease, if the caller still holds it and the partition has not been recreated since. */
  private heldBy(lease: Lease): { expiresAtMs: number } | undefined {
    const partition = this.store.knownPartition(lease.key.space.partition);
    if (partition?.generation !== lease.generation) return undefined;
    const held = partition.leases?.get(lease.key.id);
    return held?.token === lease.token && held.expiresAtMs > this.leaseClock.monotonicMs() ? held : undefined;
  }
}
