/**
 * A level in this process over one that all share. The shared one decides; here are only copies, each believed for a
 * bounded time after it was last checked (guarantee G4), and forgotten when somebody tells of a change or when that
 * somebody may have gone unheard (G5). Keeps invariants 9 and 10.
 *
 * A hit in this process answers at once, like memory's.
 */
import { randomBytes } from 'node:crypto';
import type { Awaitable } from '../../core/async/awaitable.js';
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
import { veil } from '../../core/veil.js';
import { closeAll, openOrClose } from '../shared/open-close.js';
import type { Invalidation } from '../shared/invalidation.js';
import { Copies, Copy, readingOf, wasCheckedSince } from './l1-copies.js';
import { Hearing } from './bus-in.js';
import type { SecondLevel } from '../shared/second-level.js';
import { readEach, type Near } from './read-many.js';
import { resolveTieredOptions, type ResolvedTieredOptions, type TieredOptions } from './options.js';
import { Taking } from './l1-fill.js';
import { forget, Telling } from './bus-out.js';
import { Validations } from './revalidation.js';

/** How long a start waits for the first message. */
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
  const create = (parts: BackendParts): Backend => veil(new TieredBackend(resolved, parts), 'TieredBackend');
  return Object.freeze({ kind: 'tiered', create });
}

class TieredBackend implements Backend {
  readonly kind = 'tiered';
  private readonly copies: Copies;
  private readonly second: SecondLevel;
  private readonly l2: Backend;
  private readonly taking: Taking;
  private readonly validations: Validations;
  private readonly bus: Bus | undefined;
  private readonly hearing: Hearing;
  private readonly telling: Telling;
  private tellReborn: (() => void) | undefined;

  constructor(
    options: ResolvedTieredOptions,
    private readonly parts: BackendParts,
  ) {
    const { l1, l2, via, maxUnvalidatedMs } = options;
    const origin = randomBytes(9).toString('base64url');
    const onRepeated = (again: Invalidation): void => this.repeated(again);
    this.second = l2.asSecondLevel({ ...parts, onRepeated }, via === undefined ? origin : undefined);
    this.l2 = this.second.backend;
    this.bus = this.busOf(options, origin);
    this.copies = new Copies(l1.asFirstLevel, parts, maxUnvalidatedMs, this.bus?.hears?.bind(this.bus));
    this.taking = new Taking(this.copies, this.second, parts.clock);
    this.validations = new Validations(this.second, this.copies, parts.clock, maxUnvalidatedMs);
    this.hearing = new Hearing(this.copies, origin);
    this.telling = new Telling(via === undefined ? undefined : this.bus);
    // Another server, or another life of it: nobody knows what it has heard.
    this.l2.onReborn?.(() => {
      this.copies.forgetAll();
      this.tellReborn?.();
    });
    if (this.bus === undefined) this.copies.turn(true);
    else this.bus.start(this.hearing);
  }

  read(key: Key, how?: Handling): Awaitable<Reading> {
    const near = this.near(key, this.parts.clock.monotonicMs(), how);
    if (near === undefined) return this.readThrough(key, how);
    return near instanceof Copy ? this.check(key, near, how) : near;
  }

  readMany(keys: readonly Key[], how?: Handling): Awaitable<readonly Reading[]> {
    const nowMs = this.parts.clock.monotonicMs();
    const near = keys.map((key) => this.near(key, nowMs, how));
    if (near.every((answer) => answer !== undefined && !(answer instanceof Copy))) return near as readonly Reading[];
    const asked = this.taking.begin();
    return readEach(keys, near, {
      check: (key, copy) => this.check(key, copy, how),
      far: async (some) => {
        const readings = await this.l2.readMany(some, how);
        return some.map((key, at) => this.taking.read(key, readings[at] as Reading, asked, how));
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
    const asked = this.taking.begin();
    try {
      const outcome = await this.l2.fill(lease, draft);
      if (outcome === 'stored') {
        this.taking.stored(lease.key, draft, asked);
        await this.telling.keys('stored', [lease.key]);
      }
      return outcome;
    } catch (error) {
      this.failed([lease.key]);
      throw error;
    }
  }

  async write(key: Key, draft: Draft): Promise<void> {
    await this.writeMany([[key, draft]]);
  }

  async writeMany(entries: readonly (readonly [Key, Draft])[]): Promise<void> {
    const asked = this.taking.begin();
    const [first] = entries;
    try {
      await (entries.length === 1 && first !== undefined ? this.l2.write(...first) : this.l2.writeMany(entries));
    } catch (error) {
      this.failed(entries.map(([key]) => key));
      throw error;
    }
    for (const [key, draft] of entries) this.taking.stored(key, draft, asked);
    await this.telling.keys(
      'stored',
      entries.map(([key]) => key),
    );
  }

  async expire(key: Key, freshForMs: number, keptForMs: number): Promise<boolean> {
    return this.changing([key], () => this.l2.expire(key, freshForMs, keptForMs));
  }

  async increment(key: Key, by: number, draft: Omit<Draft, 'value'>): Promise<number> {
    return this.changing([key], () => this.l2.increment(key, by, draft));
  }

  async evict(keys: readonly Key[]): Promise<number> {
    return this.around({ kind: 'evict', keys }, () => this.l2.evict(keys));
  }

  async invalidate(partition: Partition, labels: readonly Label[]): Promise<void> {
    await this.around({ kind: 'invalidate', partition, labels }, () => this.l2.invalidate(partition, labels));
  }

  async clear(view: View): Promise<number> {
    return this.around({ kind: 'clear', view }, () => this.l2.clear(view));
  }

  async clearEverything(): Promise<number> {
    return this.around({ kind: 'everything' }, () => this.l2.clearEverything());
  }

  async removeMatching(selection: Selection): Promise<number> {
    return this.around({ kind: 'matching', selection }, () => this.l2.removeMatching(selection));
  }

  scan(selection: Selection, cursor: string | undefined): Awaitable<Page> {
    return this.l2.scan(selection, cursor);
  }

  usage(view: View | undefined): Awaitable<Usage> {
    return this.l2.usage(view);
  }

  async info(): Promise<BackendInfo> {
    const info = await this.l2.info();
    const { size: l1Entries, usedBytes: l1Bytes } = this.copies;
    const bus = this.bus === undefined ? 'off' : this.hearing.state;
    return {
      ...info,
      kind: this.kind,
      details: { ...info.details, ...this.copies.quotaFigures, l1Entries, l1Bytes, bus, ...this.telling.figures },
    };
  }

  ping(): Awaitable<void> {
    return this.l2.ping();
  }

  async open(): Promise<void> {
    await openOrClose(this.l2, this);
    if (this.bus === undefined) return;
    await Promise.race([this.hearing.firstUp, machineOf(this.parts.clock).sleep(FIRST_MESSAGE_MS)]);
  }

  onReborn(listener: () => void): void {
    this.tellReborn = listener;
  }

  /** The bus before the level whose connections it may use. */
  async close(): Promise<void> {
    this.copies.turn(false);
    await closeAll(
      async () => this.bus?.close(),
      () => this.l2.close(),
    );
  }

  /** Undefined: nobody tells this process of anything. */
  private busOf({ via, heartbeatMs }: ResolvedTieredOptions, origin: string): Bus | undefined {
    const { second } = this;
    const parts = { ...this.parts, clock: machineOf(this.parts.clock) };
    if (heartbeatMs === undefined || parts.bus === undefined) return undefined;
    const wire = via === undefined ? second.wire : via.wire(parts);
    return wire && parts.bus(wire, parts, { heartbeatMs, origin: via === undefined ? undefined : origin });
  }

  private near(key: Key, nowMs: number, how: Handling | undefined): Near {
    const copy = how?.level === 'l2' ? undefined : this.copies.find(key);
    if (copy === undefined) return undefined;
    if (nowMs < copy.believedUntilMs && wasCheckedSince(copy, how)) return readingOf(copy);
    // What is past its ttl here may have been renewed by somebody else.
    return nowMs < copy.freshUntilMs ? copy : undefined;
  }

  private async check(key: Key, copy: Copy, how: Handling | undefined): Promise<Reading> {
    return (await this.validations.stillStands(key, copy, how)) ? readingOf(copy) : this.readThrough(key, how);
  }

  private async readThrough(key: Key, how: Handling | undefined): Promise<Reading> {
    const asked = this.taking.begin();
    return this.taking.read(key, await this.l2.read(key, how), asked, how);
  }

  /** Whatever alters entries: copies of before go when the answer is there, and also when nobody knows it. */
  private async changing<T>(keys: readonly Key[], work: () => Awaitable<T>): Promise<T> {
    let answer: T;
    try {
      answer = await work();
    } catch (error) {
      this.failed(keys);
      throw error;
    }
    this.copies.forget(keys);
    await this.telling.keys('stored', keys);
    return answer;
  }

  /** Nobody knows what became of a change: it may have been made, or may yet be. */
  private failed(keys: readonly Key[]): void {
    this.hearing.doubt(keys);
    this.copies.forget(keys);
    void this.telling.keys('stored', keys);
  }

  /** An invalidation has settled long after its caller was told that it might not. Copies may have been taken since. */
  private repeated(invalidation: Invalidation): void {
    forget(this.copies, invalidation);
    void this.telling.invalidation(invalidation);
  }

  /** Before, so that nobody here has to wait for the answer; after, because somebody may have read in between. */
  private async around<T>(meant: Invalidation, remove: () => Awaitable<T>): Promise<T> {
    forget(this.copies, meant);
    let answer: T;
    try {
      answer = await remove();
    } catch (error) {
      forget(this.copies, meant);
      void this.telling.invalidation(meant);
      throw error;
    }
    forget(this.copies, meant);
    await this.telling.invalidation(meant);
    return answer;
  }
}
