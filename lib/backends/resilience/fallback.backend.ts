/**
 * A second backend for when the first does not answer: memory behind Redis. It is private to this process, so guarantees
 * across processes are suspended while the first is away, and it is emptied as soon as the first is back.
 */
import type { Awaitable } from '../../core/async/awaitable.js';
import { inPortions } from '../../core/async/portions.js';
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
import type { Draft } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import type { View } from '../../core/keys/space.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import { closeAll, openOrClose } from '../shared/open-close.js';
import type { Owners } from '../shared/owners.js';
import { StandIn } from './stand-in.js';

const NO_KEYS: readonly Key[] = Object.freeze([]);

export class FallbackBackend implements Backend {
  static {
    hideFromLogs(this.prototype, 'FallbackBackend');
  }

  readonly kind: string;
  /** Leases that the second backend granted: their fills go there, whatever the state of the first. */
  private readonly ownLeases = new WeakSet<Lease>();
  /** Those of them whose fill replaces an entry, which has to go from the first as well. */
  private readonly replacing = new WeakSet<Lease>();
  private readonly standIn: StandIn;

  /** @param owners where the first is several servers: the second stands in for those that do not answer */
  constructor(
    private readonly first: Backend,
    private readonly second: Backend,
    private readonly owners?: Owners,
  ) {
    this.kind = first.kind;
    this.standIn = new StandIn(second, owners);
  }

  read(key: Key): Promise<Reading> {
    return this.standIn.either(
      [key],
      () => this.first.read(key),
      () => this.second.read(key),
    );
  }

  readMany(keys: readonly Key[]): Promise<readonly Reading[]> {
    if (this.owners !== undefined) return inPortions(keys, (some) => this.readEach(some));
    return this.standIn.either(
      keys,
      () => this.first.readMany(keys),
      () => this.second.readMany(keys),
    );
  }

  lease(key: Key, request: LeaseRequest): Promise<LeaseReply> {
    return this.standIn.either(
      [key],
      () => this.first.lease(key, request),
      async () => {
        const reply = await this.second.lease(key, request);
        if (reply.kind === 'granted') {
          this.ownLeases.add(reply.lease);
          if (request.purpose === 'replace') this.replacing.add(reply.lease);
        }
        return reply;
      },
    );
  }

  async renew(lease: Lease, leaseMs: number): Promise<boolean> {
    return this.ownerOf(lease).renew(lease, leaseMs);
  }

  async release(lease: Lease): Promise<void> {
    await this.ownerOf(lease).release(lease);
  }

  async fill(lease: Lease, draft: Draft): Promise<FillOutcome> {
    // A value loaded while the first was away is not kept once it is back: invalidations in between may not cover it.
    if (this.ownLeases.has(lease) && !this.standIn.isAway(lease.key)) return 'lease-lost';
    const outcome = await this.ownerOf(lease).fill(lease, draft);
    if (outcome === 'stored' && this.replacing.has(lease)) await this.replaced([lease.key]);
    return outcome;
  }

  write(key: Key, draft: Draft): Promise<void> {
    return this.writeMany([[key, draft]]);
  }

  /** Entries that the first could not store are kept in the second, and its older ones under these keys are evicted. */
  writeMany(entries: readonly (readonly [Key, Draft])[]): Promise<void> {
    return this.standIn.either(
      entries.map(([key]) => key),
      () => this.first.writeMany(entries),
      async () => {
        await this.second.writeMany(entries);
        await this.replaced(entries.map(([key]) => key));
      },
    );
  }

  expire(key: Key, freshForMs: number, keptForMs: number): Promise<boolean> {
    return this.standIn.either(
      [key],
      () => this.first.expire(key, freshForMs, keptForMs),
      () => this.second.expire(key, freshForMs, keptForMs),
    );
  }

  increment(key: Key, by: number, draft: Omit<Draft, 'value'>): Promise<number> {
    return this.standIn.either(
      [key],
      () => this.first.increment(key, by, draft),
      () => this.second.increment(key, by, draft),
    );
  }

  evict(keys: readonly Key[]): Promise<number> {
    return this.both((backend) => backend.evict(keys));
  }

  invalidate(partition: Partition, labels: readonly Label[]): Promise<void> {
    return this.both((backend) => backend.invalidate(partition, labels));
  }

  clear(view: View): Promise<number> {
    return this.both((backend) => backend.clear(view));
  }

  clearEverything(view?: View): Promise<number> {
    return this.both((backend) => backend.clearEverything(view));
  }

  removeMatching(selection: Selection): Promise<number> {
    return this.both((backend) => backend.removeMatching(selection));
  }

  scan(selection: Selection, cursor: string | undefined): Awaitable<Page> {
    return this.first.scan(selection, cursor);
  }

  usage(view: View | undefined): Promise<Usage> {
    return this.standIn.either(
      NO_KEYS,
      () => this.first.usage(view),
      () => this.second.usage(view),
    );
  }

  info(): Promise<BackendInfo> {
    return this.standIn.either(
      NO_KEYS,
      () => this.first.info(),
      () => this.second.info(),
    );
  }

  ping(): Awaitable<void> {
    return this.first.ping();
  }

  async open(): Promise<void> {
    await openOrClose(this.first, this);
  }

  onReborn(listener: RebornListener): void {
    this.first.onReborn?.(listener);
  }

  async close(): Promise<void> {
    this.standIn.isClosed = true;
    await closeAll(
      () => this.first.close(),
      () => this.second.close(),
    );
  }

  /** Of several servers some may answer: the second is read for what the others keep. */
  private async readEach(keys: readonly Key[]): Promise<readonly Reading[]> {
    let failure: unknown;
    const readings = await Promise.resolve(this.first.readMany(keys)).catch((error: unknown) => {
      failure = error;
      return undefined;
    });
    const answerOf = (at: number): Reading => {
      const reading = readings?.[at];
      if (reading === undefined || reading.unanswered !== undefined) throw reading?.unanswered ?? failure;
      return reading;
    };
    return Promise.all(
      keys.map((key, at) =>
        this.standIn.either(
          [key],
          () => answerOf(at),
          () => this.second.read(key),
        ),
      ),
    );
  }

  /** The first may still have older entries under these keys, and would serve them once it is back. */
  private async replaced(keys: readonly Key[]): Promise<void> {
    await Promise.resolve(this.first.evict(keys)).catch(queued);
  }

  private ownerOf(lease: Lease): Backend {
    return this.ownLeases.has(lease) ? this.second : this.first;
  }

  /** Removals always go to both; the answer is that of the first, and a failure of either reaches the caller. */
  private async both<T>(remove: (backend: Backend) => Awaitable<T>): Promise<T> {
    const second = Promise.resolve().then(() => remove(this.second));
    // Not before the second is done: no read there may find an entry after the first has confirmed its removal.
    await second.catch(queued);
    const answer = await remove(this.first);
    await second;
    return answer;
  }
}

/** The first queues the eviction that it could not confirm; the caller's value is safe in the second. */
function queued(): void {
  // Documented above: nothing more to do.
}
