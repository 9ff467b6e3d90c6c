/** Leases: asking, renewing, giving back. Keeps invariants 3 and 5. */
import type { Lease, LeaseReply, LeaseRequest, Reading } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import { ENVELOPE_MARK_BYTES } from '../../core/codec.js';
import type { Entry } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import { RandomPool } from '../../core/random-pool.js';
import type { ChangePublisher } from './change-publisher.js';
import type { ShardClocks } from './shard-clocks.js';
import { OrphanedLeases } from '../remote/orphaned-leases.js';
import type { ServerClock } from '../remote/server-clock.js';
import { isFresh, ServerEntry, type EntryOpener } from '../remote/stored-entry.js';
import type { RedisPool } from './connection/pool.js';
import { NOT_THERE, type RedisReader } from './reader.js';
import type { ShardState } from '../remote/shard-state.js';
import { changedAtEveryAttempt } from '../remote/writing.js';
import { leaseText, text } from './connection/reply.js';
import { LEASE } from './scripts/lease.js';
import { RELEASE } from './scripts/release.js';
import { RENEW } from './scripts/renew.js';
import type { Shard, RedisShards } from './shards.js';
import { RefusedError } from '../shared/refused.error.js';

/** Something unfit would have to be stored between any two attempts. */
const MAX_ATTEMPTS = 8;

interface Granted {
  readonly token: string;
  readonly view: ShardState;
  readonly stamp: number;
  readonly standing: ServerEntry | undefined;
}

export interface LeaseParts {
  readonly pool: RedisPool;
  readonly shards: RedisShards;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly opener: EntryOpener;
  readonly reader: RedisReader;
  readonly shardClocks: ShardClocks;
  readonly publisher: ChangePublisher;
}

export class RedisLeases {
  /** Leases whose fills take the place of something in any case. */
  private readonly replacing = new WeakSet<Lease>();
  private readonly orphaned: OrphanedLeases;
  private readonly names = new RandomPool();

  constructor(private readonly parts: LeaseParts) {
    this.orphaned = new OrphanedLeases('redis', parts.clock, (lease) => this.end(lease));
  }

  /**
   * Asks until the answer is a lease, the lease of another load, or an entry that is fresh and that the caller has not
   * seen.
   */
  async ask(key: Key, request: LeaseRequest): Promise<LeaseReply> {
    const { opener, reader, shards } = this.parts;
    const shard = shards.of(key);
    let known = request.seen instanceof ServerEntry ? request.seen : undefined;
    // Text where it can be: a command with bytes in it is put together more slowly.
    let mark: Buffer | '' = known?.mark ?? '';
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const answer = await this.attempt(key, shard, request, known, mark);
      if ('kind' in answer) {
        if (await this.orphaned.clears({ key, token: answer.token })) continue;
        return answer;
      }
      if ('token' in answer) return this.granted(key, shard, answer, request.purpose);
      const found = await opener.open(key.id, answer.bytes);
      const reading: Reading =
        found === undefined
          ? NOT_THERE
          : { entry: found, required: await reader.required(shard, found, answer.view), level: 'l2' };
      if (isFresh(reading, this.parts.serverClock)) return { kind: 'found', reading };
      known = found;
      mark = Buffer.from(answer.bytes.subarray(0, ENVELOPE_MARK_BYTES));
    }
    throw changedAtEveryAttempt('lease', 'redis');
  }

  /** False when the lease was lost. */
  async renew(lease: Lease, leaseMs: number): Promise<boolean> {
    const key = this.parts.shards.of(lease.key).lease(lease.key.id);
    return Number(await this.parts.pool.run(RENEW, [key], [leaseText(lease), leaseMs])) === 1;
  }

  release(lease: Lease): Promise<void> {
    return this.orphaned.release(lease);
  }

  replaces(lease: Lease): boolean {
    return this.replacing.has(lease);
  }

  close(): Promise<void> {
    return this.orphaned.close();
  }

  private async end({ key, token }: Pick<Lease, 'key' | 'token'>): Promise<void> {
    await this.parts.pool.run(RELEASE, [this.parts.shards.of(key).lease(key.id)], [token]);
  }

  private async attempt(
    key: Key,
    shard: Shard,
    { leaseMs, purpose }: LeaseRequest,
    known: Entry | undefined,
    mark: Buffer | '',
  ): Promise<Extract<LeaseReply, { kind: 'held' }> | Granted | { readonly bytes: Buffer; readonly view: ShardState }> {
    // A token for each attempt: one that timed out may still be granted, and no load holds it.
    const token = this.names.name();
    const labels = [...new Set([...key.labels, ...(known?.labels ?? [])])];
    const keys = [shard.entry(key.id), shard.meta, shard.lease(key.id), shard.state];
    const askedAtMs = this.parts.clock.monotonicMs();
    let reply: readonly unknown[];
    this.orphaned.asking++;
    try {
      const args = [token, leaseMs, this.names.name(), purpose, mark, ...labels];
      reply = (await this.parts.pool.run(LEASE, keys, args)) as unknown[];
    } catch (error) {
      if (!(error instanceof RefusedError)) this.orphaned.giveBack({ key, token });
      throw error;
    } finally {
      this.orphaned.asking--;
    }
    if (this.orphaned.isClosed) return this.orphaned.refuse({ key, token });
    if (Number(reply[0]) === 2) return { kind: 'held', token: text(reply[1]) };
    this.parts.serverClock.note(Number(text(reply[4])), askedAtMs);
    const view: ShardState = {
      generation: text(reply[2]),
      minimumStamp: Number(text(reply[3])),
      stamps: stampsOf(labels, reply[5]),
    };
    if (Number(reply[0]) === 0) return { bytes: reply[1] as Buffer, view };
    const bytes = reply[1] as Buffer;
    const isSeen = bytes.length === 1 && known instanceof ServerEntry;
    const standing = isSeen ? known : bytes.length > 1 ? await this.parts.opener.open(key.id, bytes) : undefined;
    return { token, view, stamp: Number(text(reply[6])), standing };
  }

  private async granted(
    key: Key,
    shard: Shard,
    { token, view, stamp, standing }: Granted,
    purpose: LeaseRequest['purpose'],
  ): Promise<LeaseReply> {
    this.parts.shardClocks.note(shard, view.generation, stamp);
    const lease = { key, token, generation: view.generation, stamp };
    if (purpose === 'replace') this.replacing.add(lease);
    if (standing === undefined) return { kind: 'granted', lease, reading: NOT_THERE };
    const required = await this.parts.reader.required(shard, standing, view).catch((error: unknown) => {
      // The caller does not hear that it was granted: never leave an orphaned lease on the server.
      this.orphaned.giveBack({ key, token });
      throw error;
    });
    return { kind: 'granted', lease, reading: { entry: standing, required, level: 'l2' } };
  }
}

function stampsOf(labels: readonly Label[], reply: unknown): ReadonlyMap<Label, number> {
  const found = reply as unknown[];
  const stamps = new Map<Label, number>();
  for (const [at, label] of labels.entries()) stamps.set(label, Number(text(found[at] ?? '')));
  return stamps;
}
