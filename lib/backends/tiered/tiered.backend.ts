/**
 * A level in this process (L1) over one that all processes share (L2). L2 decides; L1 has only copies, each served for a
 * bounded time after it was last checked (guarantee G4), and dropped when a message about a change arrives or when
 * messages may have been missed (G5). A hit in this process answers at once, like memory's. Keeps invariants 9 and 10.
 */
import { randomBytes } from 'node:crypto';
import { isPending, type Awaitable } from '../../core/async/awaitable.js';
import type {
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
  RebornListener,
  Selection,
  Usage,
} from '../../core/backend.js';
import type { Bus } from '../../core/bus.js';
import { machineOf } from '../../core/clock.js';
import type { Draft, Handling } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import type { View } from '../../core/keys/space.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import { closeAll, openOrClose } from '../shared/open-close.js';
import { acrossPartitions, type Invalidation } from '../shared/invalidation.js';
import { L1Copies, L1Copy, readingOf, wasCheckedSince } from './l1-copies.js';
import { BusIn } from './bus-in.js';
import type { SecondLevel } from '../shared/second-level.js';
import { readEach, type Found } from './read-many.js';
import { aboutLevels, resolveTieredOptions, type ResolvedTieredOptions, type TieredOptions } from './options.js';
import { L1Fill } from './l1-fill.js';
import { invalidateCopies, BusOut } from './bus-out.js';
import { Revalidation } from './revalidation.js';

/** How long a start waits for the bus to come up. */
const FIRST_MESSAGE_MS = 500;

/**
 * Keeps entries in this process in front of a backend that all processes share.
 *
 * @example
 * CacheModule.forRoot({ backend: tiered({ l1: memory({ maxEntries: 10_000 }), l2: redis({ url }) }) })
 * @throws CacheConfigError naming the option that cannot work
 */
export function tiered(options: TieredOptions): BackendFactory {
  const resolved = resolveTieredOptions(options);
  const create = (parts: BackendParts): Backend => hideFromLogs(new TieredBackend(resolved, parts), 'TieredBackend');
  return Object.freeze({ kind: 'tiered', about: aboutLevels(options), create });
}

class TieredBackend implements Backend {
  readonly kind = 'tiered';
  private readonly copies: L1Copies;
  private readonly second: SecondLevel;
  private readonly l2: Backend;
  private readonly l1Fill: L1Fill;
  private readonly revalidation: Revalidation;
  private readonly bus: Bus | undefined;
  private readonly busIn: BusIn;
  private readonly busOut: BusOut;
  private notifyReborn: RebornListener | undefined;

  constructor(
    options: ResolvedTieredOptions,
    private readonly parts: BackendParts,
  ) {
    const { l1, l2, via, maxUnvalidatedMs } = options;
    const origin = randomBytes(9).toString('base64url');
    const onResent = (invalidation: Invalidation): void => this.resent(invalidation);
    this.second = l2.asSecondLevel({ ...parts, onResent }, via === undefined ? origin : undefined);
    this.l2 = this.second.backend;
    this.bus = this.busOf(options, origin);
    this.copies = new L1Copies(l1.asFirstLevel, parts, maxUnvalidatedMs, this.bus?.hears?.bind(this.bus));
    this.l1Fill = new L1Fill(this.copies, this.second, parts.clock);
    this.revalidation = new Revalidation(this.second, this.copies, parts.clock, maxUnvalidatedMs);
    this.busIn = new BusIn(this.copies, origin);
    this.busOut = new BusOut(via === undefined ? undefined : this.bus);
    // Another server, or the same one restarted: it may have lost the last changes.
    this.l2.onReborn?.((concerns) => {
      this.copies.forgetAll(concerns);
      this.notifyReborn?.(concerns);
    });
    if (this.bus === undefined) this.copies.setEnabled(true);
    else this.bus.start(this.busIn);
  }

  read(key: Key, how?: Handling): Awaitable<Reading> {
    const found = this.lookUp(key, this.parts.clock.monotonicMs(), how);
    if (found === undefined) return this.readThrough(key, how);
    return found instanceof L1Copy ? this.check(key, found, how) : found;
  }

  readMany(keys: readonly Key[], how?: Handling): Awaitable<readonly Reading[]> {
    const nowMs = this.parts.clock.monotonicMs();
    const found = keys.map((key) => this.lookUp(key, nowMs, how));
    if (found.every((answer) => answer !== undefined && !(answer instanceof L1Copy)))
      return found as readonly Reading[];
    const request = this.l1Fill.begin();
    return readEach(keys, found, {
      check: (key, copy) => this.check(key, copy, how),
      fetch: async (some) => {
        const readings = await this.l2.readMany(some, how);
        return some.map((key, at) => this.l1Fill.fromRead(key, readings[at] as Reading, request, how));
      },
    });
  }

  lease(key: Key, request: LeaseRequest): Awaitable<LeaseReply> {
    return this.l2.lease(key, request);
  }

  renew(lease: Lease, leaseMs: number): Awaitable<boolean> {
    return this.l2.renew(lease, leaseMs);
  }

  release(lease: Lease): Awaitable<void> {
    return this.l2.release(lease);
  }

  async fill(lease: Lease, draft: Draft): Promise<FillOutcome> {
    const request = this.l1Fill.begin();
    const own = this.l1Fill.copiedFirst(lease.key, draft);
    try {
      const outcome = await this.l2.fill(lease, own);
      if (outcome === 'stored') {
        this.l1Fill.fromWrite(lease.key, own, request);
        await this.busOut.publishKeys('stored', [lease.key]);
      }
      return outcome;
    } catch (error) {
      this.outcomeUnknown([lease.key]);
      throw error;
    }
  }

  async write(key: Key, draft: Draft): Promise<void> {
    await this.writeMany([[key, draft]]);
  }

  async writeMany(entries: readonly (readonly [Key, Draft])[]): Promise<void> {
    const request = this.l1Fill.begin();
    const [first] = entries;
    const keys = entries.map(([key]) => key);
    try {
      await (entries.length === 1 && first !== undefined ? this.l2.write(...first) : this.l2.writeMany(entries));
    } catch (error) {
      this.outcomeUnknown(keys);
      throw error;
    }
    for (const [key, draft] of entries) this.l1Fill.fromWrite(key, draft, request);
    await this.busOut.publishKeys('stored', keys);
  }

  async expire(key: Key, freshForMs: number, keptForMs: number): Promise<boolean> {
    return this.modify([key], () => this.l2.expire(key, freshForMs, keptForMs));
  }

  async increment(key: Key, by: number, draft: Omit<Draft, 'value'>): Promise<number> {
    return this.modify([key], () => this.l2.increment(key, by, draft));
  }

  async evict(keys: readonly Key[]): Promise<number> {
    return this.invalidating({ kind: 'evict', keys }, () => this.l2.evict(keys));
  }

  async invalidate(partition: Partition, labels: readonly Label[]): Promise<void> {
    await this.invalidating({ kind: 'invalidate', partition, labels }, () => this.l2.invalidate(partition, labels));
  }

  async clear(view: View): Promise<number> {
    return this.invalidating({ kind: 'clear', view }, () => this.l2.clear(view));
  }

  async clearEverything(view?: View): Promise<number> {
    return this.invalidating(acrossPartitions(view), () => this.l2.clearEverything(view));
  }

  async removeMatching(selection: Selection): Promise<number> {
    return this.invalidating({ kind: 'matching', selection }, () => this.l2.removeMatching(selection));
  }

  scan(selection: Selection, cursor: string | undefined): Awaitable<Page> {
    return this.l2.scan(selection, cursor);
  }

  usage(view: View | undefined): Awaitable<Usage> {
    return this.l2.usage(view);
  }

  async info(): Promise<BackendInfo> {
    const [info, quotaFigures] = await Promise.all([this.l2.info(), this.copies.quotaFigures()]);
    const { size: l1Entries, usedBytes: l1Bytes } = this.copies;
    const bus = this.bus === undefined ? 'off' : this.busIn.state;
    return {
      ...info,
      kind: this.kind,
      details: { ...info.details, ...quotaFigures, l1Entries, l1Bytes, bus, ...this.busOut.figures },
    };
  }

  ping(): Awaitable<void> {
    return this.l2.ping();
  }

  async open(): Promise<void> {
    await openOrClose(this.l2, this);
    if (this.bus === undefined) return;
    await Promise.race([this.busIn.firstUp, machineOf(this.parts.clock).sleep(FIRST_MESSAGE_MS)]);
  }

  onReborn(listener: RebornListener): void {
    this.notifyReborn = listener;
  }

  /** Closes the bus before the level whose connections it may use. */
  async close(): Promise<void> {
    this.copies.setEnabled(false);
    await closeAll(
      async () => this.bus?.close(),
      () => this.l2.close(),
    );
  }

  /** Undefined: no messages reach this process. */
  private busOf({ via, heartbeatMs }: ResolvedTieredOptions, origin: string): Bus | undefined {
    const { second } = this;
    const parts = { ...this.parts, clock: machineOf(this.parts.clock) };
    if (heartbeatMs === undefined || parts.bus === undefined) return undefined;
    const wire = via === undefined ? second.wire : via.wire(parts);
    return wire && parts.bus(wire, parts, { heartbeatMs, origin: via === undefined ? undefined : origin });
  }

  private lookUp(key: Key, nowMs: number, how: Handling | undefined): Found {
    const copy = how?.level === 'l2' ? undefined : this.copies.find(key);
    if (copy === undefined) return undefined;
    if (nowMs < copy.trustedUntilMs && wasCheckedSince(copy, how)) return readingOf(copy);
    // Another process may have renewed an entry whose copy is past its ttl.
    return nowMs < copy.freshUntilMs ? copy : undefined;
  }

  private async check(key: Key, copy: L1Copy, how: Handling | undefined): Promise<Reading> {
    return (await this.revalidation.stillStands(key, copy, how)) ? readingOf(copy) : this.readThrough(key, how);
  }

  private async readThrough(key: Key, how: Handling | undefined): Promise<Reading> {
    const request = this.l1Fill.begin();
    return this.l1Fill.fromRead(key, await this.l2.read(key, how), request, how);
  }

  /** Changes entries in place: drops the copies of before, whether the outcome is known or not. */
  private async modify<T>(keys: readonly Key[], work: () => Awaitable<T>): Promise<T> {
    let answer: T;
    try {
      answer = await work();
    } catch (error) {
      this.outcomeUnknown(keys);
      throw error;
    }
    for (const key of keys) this.copies.forget(key);
    await this.busOut.publishKeys('stored', keys);
    return answer;
  }

  /** The outcome of a change is unknown: the server may have made it, or may still make it. */
  private outcomeUnknown(keys: readonly Key[]): void {
    this.busIn.markUnknown(keys);
    for (const key of keys) this.copies.forget(key);
    void this.busOut.publishKeys('stored', keys);
  }

  /** An invalidation was confirmed long after its caller got an error. L1 may have been filled since. */
  private resent(invalidation: Invalidation): void {
    void invalidateCopies(this.copies, invalidation);
    void this.busOut.publishInvalidation(invalidation);
  }

  /** Drops copies before, so that calls of this process need not wait for the answer; and after, since a read in between may have filled L1. */
  private async invalidating<T>(invalidation: Invalidation, remove: () => Awaitable<T>): Promise<T> {
    const before = invalidateCopies(this.copies, invalidation);
    if (isPending(before)) await before;
    let answer: T;
    try {
      answer = await remove();
    } catch (error) {
      await invalidateCopies(this.copies, invalidation);
      void this.busOut.publishInvalidation(invalidation);
      throw error;
    }
    await invalidateCopies(this.copies, invalidation);
    await this.busOut.publishInvalidation(invalidation);
    return answer;
  }
}
