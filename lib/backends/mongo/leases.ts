/** Leases: asking, renewing, giving back. The lease stands in the document of its entry. Keeps invariants 3 and 5. */
import type { Lease, LeaseReply, LeaseRequest, Reading } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import type { Entry } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import { RandomPool } from '../../core/random-pool.js';
import { ttlIndexAt, namespaceOf, type ShardState } from './documents.js';
import type { MongoShard } from './shards.js';
import { isDuplicate } from './connection/errors.js';
import type { Look, MongoReader, ReaderParts } from './reader.js';
import type { MongoShardClocks } from './shard-clocks.js';
import { OrphanedLeases } from '../remote/orphaned-leases.js';
import { isFresh, ServerEntry } from '../remote/stored-entry.js';
import { changedAtEveryAttempt } from '../remote/writing.js';
import { RefusedError } from '../shared/refused.error.js';

/** Another process would have to change the document between any two attempts. */
const MAX_ATTEMPTS = 16;
/** A lease that is lost with its server is asked for anew: it need not survive more than one. */
const CHEAP = Object.freeze({ writeConcern: { w: 1 } });

export interface LeaseParts extends ReaderParts {
  readonly clock: Clock;
  readonly reader: MongoReader;
  readonly shardClocks: MongoShardClocks;
}

export class MongoLeases {
  /** Leases whose fill only repeats what a loader says: losing it to a step-down brings back nothing that was replaced. */
  private readonly ofLoads = new WeakSet<Lease>();
  private readonly orphaned: OrphanedLeases;
  private readonly names = new RandomPool();

  constructor(private readonly parts: LeaseParts) {
    this.orphaned = new OrphanedLeases('mongo', parts.clock, (lease) => this.end(lease));
  }

  /**
   * Looks, then takes the lease if nothing has changed since. What was looked at is what stands there when the lease is
   * granted, or there is no grant; and the stamp is older than the grant, so whatever was invalidated in between voids it.
   */
  async ask(key: Key, request: LeaseRequest): Promise<LeaseReply> {
    const shard = this.parts.shards.of(key);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const look = await this.parts.reader.look(key);
      const standing = this.sameAs(request.seen, look) ?? look.entry;
      const reading: Reading = { entry: standing, required: look.required, level: 'l2' };
      if (request.purpose === 'missing' && standing !== request.seen && isFresh(reading, this.parts.serverClock)) {
        return { kind: 'found', reading };
      }
      if (look.isForeign)
        await this.parts.connection.run((documents) => documents.deleteOne({ _id: shard.entry(key.id) }));
      const state = look.state ?? (await this.parts.shardClocks.begun(shard));
      if (request.purpose !== 'replace' && look.lease !== undefined && this.isLive(look.lease, state)) {
        const { token } = look.lease;
        if (await this.orphaned.clears({ key, token })) continue;
        return { kind: 'held', token };
      }
      const lease = await this.grant(key, shard, request, look, state);
      if (lease === undefined) continue;
      if (request.purpose !== 'replace') this.ofLoads.add(lease);
      const isReplaced = request.purpose === 'replace';
      return { kind: 'granted', lease, reading: isReplaced ? { ...reading, entry: undefined } : reading };
    }
    throw changedAtEveryAttempt('lease', 'mongo');
  }

  /** False when the lease was lost. */
  async renew({ key, token }: Lease, leaseMs: number): Promise<boolean> {
    const nowMs = this.nowServerMs();
    const { matchedCount } = await this.parts.connection.run((documents) =>
      documents.updateOne(
        { _id: this.nameOf(key), 'l.k': token, 'l.u': { $gt: nowMs } },
        { $set: { 'l.u': nowMs + leaseMs }, $max: { x: ttlIndexAt(nowMs + leaseMs) } },
        CHEAP,
      ),
    );
    return matchedCount === 1;
  }

  release(lease: Lease): Promise<void> {
    return this.orphaned.release(lease);
  }

  /** Whether the fill of a lease may be lost to a step-down without bringing back what was replaced. */
  isOfLoad(lease: Lease): boolean {
    return this.ofLoads.has(lease);
  }

  close(): Promise<void> {
    return this.orphaned.close();
  }

  /** Undefined: the document is no longer what was looked at. */
  private async grant(
    key: Key,
    shard: MongoShard,
    { leaseMs, purpose }: LeaseRequest,
    { mark }: Look,
    state: ShardState,
  ): Promise<Lease | undefined> {
    if (!Number.isFinite(state.clock))
      throw new RefusedError('lease', 'mongo', { why: 'the state of the shard is damaged' });
    // A token for each attempt: one that timed out may still be granted, and no load holds it.
    const token = this.names.name();
    const nowMs = this.nowServerMs();
    const isFree = [
      { l: null },
      { 'l.u': { $not: { $gt: nowMs } } },
      { 'l.i': { $ne: state.generation } },
      { 'l.s': { $lt: state.bulk } },
    ];
    const name = shard.entry(key.id);
    const filter = purpose === 'replace' ? { _id: name } : { _id: name, m: mark ?? null, $or: isFree };
    const lease = { k: token, i: state.generation, s: state.clock, u: nowMs + leaseMs };
    this.orphaned.asking++;
    try {
      const { matchedCount, upsertedCount } = await this.parts.connection.run((documents) =>
        documents
          .updateOne(
            filter,
            {
              $set: { l: lease },
              $max: { x: ttlIndexAt(nowMs + leaseMs) },
              $setOnInsert: { n: namespaceOf(key.id) },
            },
            // Only where there was nothing: what has been removed since must not come back without its value.
            { upsert: mark === undefined, ...CHEAP },
          )
          .catch((error: unknown) => {
            if (isDuplicate(error)) return { matchedCount: 0, upsertedCount: 0 };
            throw error;
          }),
      );
      if (matchedCount + upsertedCount === 0) return undefined;
    } catch (error) {
      if (!(error instanceof RefusedError)) this.orphaned.giveBack({ key, token });
      throw error;
    } finally {
      this.orphaned.asking--;
    }
    if (this.orphaned.isClosed) return this.orphaned.refuse({ key, token });
    return { key, token, generation: state.generation, stamp: state.clock };
  }

  private async end({ key, token }: Pick<Lease, 'key' | 'token'>): Promise<void> {
    await this.parts.connection.run((documents) =>
      documents.updateOne({ _id: this.nameOf(key), 'l.k': token }, { $unset: { l: '' } }, CHEAP),
    );
  }

  private isLive(lease: NonNullable<Look['lease']>, state: ShardState): boolean {
    return lease.untilMs > this.nowServerMs() && lease.generation === state.generation && lease.stamp >= state.bulk;
  }

  /** What the caller has read, if it still stands there. */
  private sameAs(seen: Entry | undefined, { entry }: Look): ServerEntry | undefined {
    return seen instanceof ServerEntry && entry !== undefined && seen.mark.equals(entry.mark) ? seen : undefined;
  }

  private nameOf(key: Key): string {
    return this.parts.shards.of(key).entry(key.id);
  }

  private nowServerMs(): number {
    return this.parts.serverClock.nowMs();
  }
}
