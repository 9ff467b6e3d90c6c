/**
 * The verbs. Every one reads the same way: ask the backend, judge what it says, act, count. Reads answer without the
 * cache when the backend fails (invariant 8); whatever removes something says so loudly when it cannot be sure.
 */
import { andThen, isPending, type Awaitable } from '../core/async/awaitable.js';
import type { Backend, BackendInfo, LeaseReply, Page, Reading, Selection } from '../core/backend.js';
import { machineOf, type Clock } from '../core/clock.js';
import type { Entry } from '../core/entry.js';
import type { Loading } from '../core/frame.js';
import { runInContext } from '../core/run-in-context.js';
import type { Key } from '../core/keys/key.js';
import type { BypassReason } from '../core/observer.js';
import type { Policy } from '../core/policy.js';
import type { Space, View } from '../core/keys/space.js';
import type { Holdings } from '../core/stats.js';
import { UnansweredError } from '../core/errors.js';
import { hideFromLogs } from '../core/hide-from-logs.js';
import type { Verdict } from '../core/verdict.js';
import { Attempt } from './attempt.js';
import { PendingFills } from './bounds/pending-fills.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import { HeldLeases } from './held-leases.js';
import { ResultWriter } from './store-result.js';
import { Load } from './load.js';
import { LoadContext } from './loader.js';
import { LoadTimes } from './load-times.js';
import { inheritInto, Lookup } from './lookup.js';
import { LeaseFirst } from './leases/lease-first.js';
import { LeaseRequests } from './leases/lease-requests.js';
import { LogicalClock } from './logical-clock.js';
import { ManyReads } from './many-reads.js';
import { OutageLoads } from './outage-loads.js';
import { Put } from './put.js';
import { Refresher } from './refresh.js';
import { Report } from './report.js';
import { SingleFlight } from './single-flight.js';
import { WakeQueue, type Sleeper } from '../core/async/wake-queue.js';
import { Writes } from './writes.js';

export class CacheEngine {
  static {
    hideFromLogs(this.prototype, 'CacheEngine');
  }

  readonly writes: Writes;
  /** See {@link Lookup.glance}. Undefined: nothing is at hand in this process. */
  readonly glance: Lookup['glance'] | undefined;
  private readonly backend: Backend;
  private readonly report: Report;
  private readonly lookup: Lookup;
  private readonly load: Load;
  private readonly many: ManyReads;
  private readonly refresher: Refresher;
  private readonly puts: Put;
  private readonly order = new LogicalClock();
  private readonly machine: Clock;
  private readonly held: HeldLeases;
  private readonly fills: PendingFills;
  /** Undefined: it would cost this backend more than a read. */
  private readonly leaseFirst: LeaseFirst | undefined;
  private closing: Promise<void> | undefined;

  constructor(private readonly parts: EngineParts) {
    const { backend, limits, clock, emit } = parts;
    const loadTimes = new LoadTimes();
    const fills = (this.fills = new PendingFills());
    const report = new Report(emit, clock, loadTimes);
    const flights = new SingleFlight(limits.maxFlights);
    const held = new HeldLeases(backend, report);
    const results = new ResultWriter(parts, report, flights, held);
    const machine = machineOf(clock);
    const watching = { backend, limits, report, held, machine, queue: new WakeQueue<Sleeper>(machine) };
    this.held = held;
    this.backend = backend;
    this.report = report;
    this.machine = machine;
    this.lookup = new Lookup(parts, report, loadTimes, fills);
    this.glance = this.lookup.atHand === undefined ? undefined : this.lookup.glance.bind(this.lookup);
    const { lookup, order } = this;
    this.many = new ManyReads(backend, lookup, report, fills);
    const outageLoads = new OutageLoads({ limits, clock: this.machine }, order);
    const requests = new LeaseRequests(parts, order);
    this.load = new Load({ ...parts, lookup, flights, fills, results, watching, outageLoads, requests, order, report });
    if (backend.leasesInOneTrip === true) this.leaseFirst = new LeaseFirst({ backend, held, flights, requests });
    this.refresher = new Refresher(this.load, limits, held);
    this.writes = new Writes(parts, results, report, fills);
    const evict = async (call: Call): Promise<void> => void (await this.writes.evict([call.key]));
    this.puts = new Put(parts, results, report, evict, watching);
  }

  /** The stored value, or the loader's. @param isToRead whatever else there is to do has been done */
  getOrSet(call: Call, isToRead = false): Awaitable<unknown> {
    if (!this.parts.isEnabled) return this.bypass(call, 'disabled');
    call.frame?.loading?.note(call.key.space);
    if (this.fills.count > 0 && !isToRead) {
      const filling = this.fills.of(call.key);
      if (filling !== undefined) return filling.then(() => this.getOrSet(call, true));
    }
    // Looked at here, so that a read among hits pays for nothing more.
    if (call.key.space.stats.missBalance > 0 && !isToRead && this.leaseFirst?.applies(call) === true)
      return this.findByLease(call, this.leaseFirst);
    const { lookup, order, machine } = this;
    const startedAtMs = this.parts.emit.isHeard ? this.parts.clock.monotonicMs() : 0;
    let reading: Awaitable<Reading>;
    try {
      reading = this.backend.read(call.key, call.frame?.loading?.handling(call.policy, call.key.space) ?? call.policy);
    } catch (error) {
      return this.load.run(new Attempt(call, undefined, undefined, order.now, machine.monotonicMs()), { error });
    }
    if (isPending(reading)) return this.getOrSetLater(call, reading, startedAtMs);
    const { entry } = reading;
    const verdict = entry === undefined ? 'gone' : lookup.judge(reading, call.key, call.policy);
    if (entry !== undefined && verdict !== 'gone' && verdict !== 'grace')
      return this.serve(call, entry, verdict, reading, startedAtMs);
    const stale = verdict === 'grace' ? entry : undefined;
    return this.load.begin(new Attempt(call, stale, entry, order.now, machine.monotonicMs()));
  }

  /** The loader's value, with nothing read or stored. It runs in the scope of its key all the same. */
  bypass(call: Call, reason: BypassReason): Awaitable<unknown> {
    this.report.bypass(call.key, reason);
    try {
      return this.without(call, () =>
        Reflect.apply(call.loader, call.self, call.args ?? [new LoadContext(call.key.space)]),
      );
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** Runs the method and stores its result. */
  put(call: Call, method: () => unknown): Promise<unknown> {
    return this.parts.isEnabled ? this.puts.run(call, method) : (async () => this.without(call, method))();
  }

  /** The stored value if it is fresh, else undefined. */
  get(call: Omit<Call, 'loader'>): Awaitable<unknown> {
    call.frame?.loading?.note(call.key.space);
    const startedAtMs = this.lookup.startedAtMs();
    return andThen(this.lookup.fresh(call.key, call.policy, call.frame?.loading), (reading) => {
      const entry = reading?.entry;
      if (entry === undefined) {
        this.report.miss(call.key, this.lookup.startedAtMs() - startedAtMs);
        return undefined;
      }
      inheritInto(call, entry);
      return this.lookup.serve(call.key, entry, 'fresh', reading, startedAtMs);
    });
  }

  /** The fresh values among the keys, in their order; undefined where there is none. */
  getMany(calls: readonly Omit<Call, 'loader'>[]): Promise<readonly unknown[]> {
    return this.many.get(calls);
  }

  /** Whether a fresh value is there. Counts nothing. */
  async has(key: Key, policy: Policy): Promise<boolean> {
    return (await this.peek(key, policy)) !== undefined;
  }

  /** Milliseconds of freshness left; null: no expiry; undefined: nothing there. */
  async ttlMs(key: Key, policy: Policy): Promise<number | null | undefined> {
    const entry = await this.peek(key, policy);
    if (entry === undefined) return undefined;
    return entry.freshUntilMs === Infinity ? null : Math.ceil(entry.freshUntilMs - this.parts.clock.monotonicMs());
  }

  /** A page of visible keys. */
  async scan(space: Space, selection: Selection, cursor: string | undefined): Promise<Page> {
    this.note(space);
    if (cursor === undefined && this.fills.count > 0) await this.fills.within(selection.view.partition);
    try {
      return await this.backend.scan(selection, cursor);
    } catch (error) {
      throw this.report.failure(space, 'scan', this.backend.kind, error);
    }
  }

  /** What a view holds, of what the backend has room for; undefined while the backend does not answer. */
  async holdings(view: View | undefined): Promise<Holdings | undefined> {
    if (this.fills.count > 0) await this.fills.within(view?.partition);
    try {
      const [usage, info] = await Promise.all([this.backend.usage(view), this.backend.info()]);
      return { usage, info };
    } catch {
      // As with reads: what fails in a backend fails quietly. Its `info()` says why.
      return undefined;
    }
  }

  async info(): Promise<BackendInfo> {
    return this.backend.info();
  }

  /** Milliseconds until the backend answered. */
  async ping(): Promise<number> {
    const startedAtMs = this.parts.clock.monotonicMs();
    await this.backend.ping();
    return this.parts.clock.monotonicMs() - startedAtMs;
  }

  /** Waits, briefly, for a backend that has to be connected to. */
  async open(): Promise<void> {
    await this.backend.open?.();
  }

  /** No more is begun ahead of its readers: the cache is being closed, or is closed. */
  get isClosing(): boolean {
    return this.held.isClosing;
  }

  /**
   * Lets what is being loaded be stored, for `limits.closeTimeout` at most, gives back the leases of what has not ended by
   * then, and closes the backend. A load that ends later gives its caller the value; nothing is stored. Idempotent.
   */
  close(): Promise<void> {
    this.closing ??= this.held.close(this.parts.limits.closeTimeoutMs).then(() => this.backend.close());
    return this.closing;
  }

  private without({ key, frame }: Call, work: () => unknown): unknown {
    return runInContext(this.parts.ambient, { scope: key.space.scope, loading: frame?.loading }, work);
  }

  /** Where most reads miss: the lease is asked for at once. */
  private async findByLease(call: Call, leaseFirst: LeaseFirst): Promise<unknown> {
    const { load, order, machine } = this;
    const attempt = new Attempt(call, undefined, undefined, order.now, machine.monotonicMs());
    let reply: LeaseReply;
    try {
      reply = await leaseFirst.ask(attempt);
    } catch (error) {
      // Refused: what stands there may be read all the same. Not answered: a read would wait as long once more.
      return await (error instanceof UnansweredError
        ? load.run(attempt, { error, operation: 'lease' })
        : this.getOrSet(call, true));
    }
    return await load.run(attempt, { reply });
  }

  /** `getOrSet` behind a backend that answers later. One function: it is in the stack of what the loader throws. */
  private async getOrSetLater(call: Call, pending: Promise<Reading>, startedAtMs: number): Promise<unknown> {
    const { load, lookup, machine } = this;
    const askedAt = this.order.now;
    let reading: Reading;
    try {
      reading = await pending;
    } catch (error) {
      return await load.run(new Attempt(call, undefined, undefined, askedAt, machine.monotonicMs()), { error });
    }
    const { entry } = reading;
    const verdict = entry === undefined ? 'gone' : lookup.judge(reading, call.key, call.policy);
    call.key.space.stats.noteRead(verdict === 'gone' || verdict === 'grace');
    if (entry !== undefined && verdict !== 'gone' && verdict !== 'grace')
      return this.serve(call, entry, verdict, reading, startedAtMs);
    const stale = verdict === 'grace' ? entry : undefined;
    return await load.run(new Attempt(call, stale, entry, askedAt, machine.monotonicMs()));
  }

  /** Hands out an entry that answers the call, and has it reloaded when it is due. */
  private serve(call: Call, entry: Entry, verdict: Verdict, reading: Reading, startedAtMs: number): unknown {
    if (verdict !== 'fresh') this.refresher.start(call, verdict === 'aging' ? 'refresh' : 'missing');
    if (call.frame?.loading !== undefined) inheritInto(call, entry);
    return this.lookup.serve(call.key, entry, verdict, reading, startedAtMs);
  }

  /** The fresh entry that a verb tells something about. */
  private async peek(key: Key, policy: Policy): Promise<Entry | undefined> {
    const loading = this.note(key.space);
    const entry = (await this.lookup.fresh(key, policy, loading))?.entry;
    if (entry !== undefined) loading?.inherit(key.space, entry.labels, entry.freshUntilMs);
    return entry;
  }

  /** Inside a loader, whatever tells about stored data counts as a read of it. */
  private note(space: Space): Loading | undefined {
    const loading = this.parts.ambient.loading();
    loading?.note(space);
    return loading;
  }
}
