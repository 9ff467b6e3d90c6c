/** What stores: fills, explicit writes, other ttls for entries, counts. Sealing is done here, judging on the server. */
import { isPending } from '../../core/async/awaitable.js';
import type { FillOutcome, Lease } from '../../core/backend.js';
import { ENVELOPE_MARK_BYTES, type Codec } from '../../core/codec.js';
import type { Draft } from '../../core/entry.js';
import { NotACounterError, TagInvalidError } from '../../core/errors.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import type { Key } from '../../core/keys/key.js';
import { RandomPool } from '../../core/random-pool.js';
import type { Announcement } from './change-publisher.js';
import type { Argument } from './connection/connection.js';
import {
  fitsCounter,
  formatCounter,
  identityOf,
  labelsText,
  newCounterMark,
  sumOf,
  untilOf,
} from '../remote/counter.js';
import { isFresh, markOf, type ServerEntry } from '../remote/stored-entry.js';
import type { LeaseParts, RedisLeases } from './leases.js';
import { LARGE_BYTES } from '../resilience/preparation.js';
import {
  changedAtEveryAttempt,
  dueAt,
  lastOfEach,
  loaded,
  portionsOf,
  readied,
  tooLate,
  turnOf,
  type Ready,
  type WriteTimeouts,
} from '../remote/writing.js';
import { graceOf, keptMs } from '../shared/draft-times.js';
import { leaseText, text } from './connection/reply.js';
import type { Script } from './scripts/script.js';
import { COUNT } from './scripts/count.js';
import { FILL } from './scripts/fill.js';
import { SWAP } from './scripts/swap.js';
import { WRITE } from './scripts/write.js';
import { RefusedError } from '../shared/refused.error.js';
import type { Proof } from '../shared/second-level.js';
import type { DueMs, Load } from '../shared/due.js';

/**
 * A write meets a moved clock at most this often before it gives up: invalidations would have to come in between each
 * time.
 */
const MAX_ATTEMPTS = 8;
/** Counts by comparing and swapping meet each other. */
const MAX_COUNT_ATTEMPTS = 200;
/** Entries of one batch that are on their way at once. */
const BATCH = 200;
const NO_MARK = Buffer.alloc(0);

/** An entry that can be stored. */
export type SealedEntry = readonly [key: Key, draft: Draft, sealed: Sealed];

interface Sealed {
  readonly generation: string;
  readonly stamp: number;
  readonly bytes: Buffer;
}

export class RedisWrites {
  /** What copies of stored drafts can be checked by. */
  readonly proofs = new WeakMap<Draft, Proof>();
  private readonly names = new RandomPool();

  constructor(
    private readonly parts: LeaseParts,
    private readonly codec: Codec,
    private readonly leases: RedisLeases,
    private readonly hasIndex: boolean,
    private readonly timeouts: WriteTimeouts,
  ) {}

  async fill(lease: Lease, draft: Draft, load?: Load): Promise<FillOutcome> {
    const { key, generation, stamp } = lease;
    const sealing = this.seal(key, draft, generation, stamp);
    // Written out: nearly every value is small and sealed at once, and goes without a function more.
    const waits = isPending(sealing) || sealing.length > LARGE_BYTES;
    const bytes = waits ? await loaded(load, sealing, draft) : sealing;
    if (!waits) draft.onAdmitted?.(bytes.length);
    const told = this.told(key);
    const replaces = this.leases.replaces(lease) ? 1 : 0;
    const args = [leaseText(lease), generation, stamp, keptMs(draft), bytes, this.indexed(key), replaces];
    const outcome = Number(await this.run(FILL, key, told, [...args, ...draft.labels]));
    if (outcome === 1) this.proofs.set(draft, { mark: text(markOf(bytes)), generation, stamp });
    return outcome === 1 ? 'stored' : outcome === 0 ? 'lease-lost' : 'invalidated';
  }

  async write(key: Key, draft: Draft, dueMs: DueMs = this.dueAt(1)): Promise<void> {
    await this.store(key, draft, undefined, undefined, dueMs);
  }

  /**
   * All are sealed before any is stored: a value that cannot be kept must not leave half of a batch behind.
   * @param dueMs when the caller is told that it failed
   */
  async writeMany(
    entries: readonly (readonly [Key, Draft])[],
    dueMs: DueMs = this.dueAt(entries.length),
  ): Promise<void> {
    await this.storeAll(await this.sealAll(entries, dueMs.load), dueMs);
  }

  sealAll(entries: readonly (readonly [Key, Draft])[], load?: Load): Promise<readonly SealedEntry[]> {
    const seal = async ([key, draft]: readonly [Key, Draft]): Promise<SealedEntry> => [
      key,
      draft,
      await this.sealNow(key, draft, (bytes) => readied(load, bytes)),
    ];
    return Promise.all(lastOfEach(entries).map(seal));
  }

  async storeAll(entries: readonly SealedEntry[], dueMs: DueMs): Promise<void> {
    // In portions: others use the same connection.
    const sizeOf = ([, , { bytes }]: SealedEntry): number => bytes.length;
    for (const some of portionsOf(entries, BATCH, sizeOf)) {
      await turnOf(some.map(sizeOf), dueMs);
      await Promise.all(some.map(([key, draft, sealed]) => this.store(key, draft, undefined, sealed, dueMs)));
    }
  }

  async expire(key: Key, freshForMs: number, keptForMs: number, load?: Load): Promise<boolean> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const entry = await this.standing(key);
      if (entry === undefined) return false;
      const [freshUntilServerMs, graceMs] = [this.freshUntil(freshForMs), graceOf({ freshForMs, keptForMs })];
      const bytes = await loaded(load, this.parts.opener.again(entry, entry.value, freshUntilServerMs, graceMs));
      if (await this.swap(key, entry, bytes, keptMs({ keptForMs }), 'stays')) return true;
    }
    throw changedAtEveryAttempt('expire', 'redis');
  }

  /** Counters are added to on the server; where nothing unsealed may be believed, by comparing and swapping. */
  async increment(key: Key, by: number, draft: Omit<Draft, 'value'>, dueMs: DueMs): Promise<number> {
    if (!fitsCounter(draft.labels)) throw new TagInvalidError('there are too many for a counter');
    const { trustsCounters } = this.parts.opener;
    let dead: Buffer = NO_MARK;
    for (let attempt = 0; attempt < MAX_COUNT_ATTEMPTS; attempt++) {
      // The mark is taken before the entry is judged: what still bears it afterwards is what was judged.
      if (this.parts.clock.monotonicMs() > dueMs()) throw tooLate('increment', 'redis');
      const seen = trustsCounters ? await this.count(key, by, draft, dead) : await this.mark(key);
      if (typeof seen === 'number') return seen;
      const entry = await this.standing(key);
      // A counter by now: others add to it, which its mark does not show, so the sum is the server's to make.
      if (entry?.counter !== undefined) continue;
      const total = sumOf(key, entry === undefined ? 0 : entry.value, by);
      if (entry !== undefined) {
        if (await this.carryOn(key, entry, total)) return total;
      } else if (trustsCounters) dead = seen;
      else if (await this.store(key, { ...draft, value: total }, seen, undefined, dueMs)) return total;
    }
    throw changedAtEveryAttempt('increment', 'redis');
  }

  /** The number; or the mark of an envelope that stands there. */
  private async count(key: Key, by: number, draft: Omit<Draft, 'value'>, dead: Buffer): Promise<number | Buffer> {
    const until = untilOf(this.freshUntil(draft.freshForMs));
    const labels = labelsText(draft.labels);
    const added = Buffer.from(String(by));
    const args = [
      this.names.name(),
      added,
      keptMs(draft),
      until,
      graceOf(draft),
      labels,
      this.indexed(key),
      dead,
      newCounterMark(),
    ];
    const keys = this.parts.shards.of(key).around(key.id);
    const reply = (await this.parts.pool.run(COUNT, keys, [...args, identityOf(key.id)])) as unknown[];
    if (Number(reply[0]) === 2) throw new NotACounterError(key.space.namespace);
    return Number(reply[0]) === 1 ? Number(text(reply[1])) : markOf(reply[1] as Buffer);
  }

  /** The number goes on with the life it has: as a counter, or sealed again. */
  private async carryOn(key: Key, entry: ServerEntry, total: number): Promise<boolean> {
    const { opened, labels } = entry;
    const { freshUntilServerMs, graceMs } = opened;
    const untilMs = freshUntilServerMs + graceMs;
    const leftMs = keptMs({ keptForMs: untilMs - this.parts.serverClock.nowMs() });
    const isCounter = this.parts.opener.trustsCounters && fitsCounter(labels);
    const bytes = isCounter
      ? formatCounter({ ...opened, identity: identityOf(key.id), value: total })
      : await this.parts.opener.again(entry, total, freshUntilServerMs, graceMs);
    return this.swap(key, entry, bytes, leftMs, 'void');
  }

  private async swap(
    key: Key,
    { mark }: ServerEntry,
    bytes: Buffer,
    forMs: number,
    lease: 'stays' | 'void',
  ): Promise<boolean> {
    const args = [mark, forMs, bytes, this.indexed(key), lease];
    return Number(await this.run(SWAP, key, this.told(key), args)) === 1;
  }

  /** False: something else than was expected stands there. */
  private async store(
    key: Key,
    draft: Draft,
    expected: Buffer | undefined,
    first?: Sealed,
    dueMs: DueMs = this.dueAt(1),
  ): Promise<boolean> {
    const { shardClocks, shards, clock, serverClock } = this.parts;
    // What belongs to a portion has its turn already.
    const ready = first === undefined ? loaded : readied;
    let sealed = first;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { generation, stamp, bytes } =
        sealed ?? (await this.sealNow(key, draft, (sealing) => ready(dueMs.load, sealing)));
      const args = [this.names.name(), generation, stamp, keptMs(draft), bytes, this.indexed(key)];
      const askedAtMs = clock.monotonicMs();
      const leftMs = dueMs() - askedAtMs;
      if (leftMs < 0) throw tooLate('write', 'redis');
      const last = [Math.ceil(serverClock.nowMs() + leftMs), ...(expected === undefined ? [] : [expected])];
      const reply = (await this.run(WRITE, key, this.told(key), [...args, ...last])) as unknown[];
      const outcome = Number(reply[0]);
      if (outcome === 1) this.proofs.set(draft, { mark: text(markOf(bytes)), generation, stamp });
      if (outcome === 1 || outcome === 2) return outcome === 1;
      if (outcome === 3) serverClock.note(Number(text(reply[1])), askedAtMs);
      else shardClocks.note(shards.of(key), text(reply[1]), Number(text(reply[2])));
      sealed = undefined;
    }
    throw changedAtEveryAttempt('write', 'redis');
  }

  /** Sealed as of now, by what was last heard of the shard. */
  private async sealNow(key: Key, draft: Draft, ready: Ready): Promise<Sealed> {
    const { generation, stamp } = this.parts.shardClocks.of(this.parts.shards.of(key));
    return { generation, stamp, bytes: await ready(this.seal(key, draft, generation, stamp)) };
  }

  /** A live entry within its ttl. */
  private async standing(key: Key): Promise<ServerEntry | undefined> {
    const reading = await this.parts.reader.read(this.parts.shards.of(key), key);
    return isFresh(reading, this.parts.serverClock) ? (reading.entry as ServerEntry) : undefined;
  }

  private async mark(key: Key): Promise<Buffer> {
    try {
      const entry = this.parts.shards.of(key).entry(key.id);
      return (await this.parts.pool.pick().command('GETRANGE', entry, 0, ENVELOPE_MARK_BYTES - 1)) as Buffer;
    } catch (error) {
      // A key of another type is nothing of ours: the write removes it.
      if (error instanceof RefusedError) return NO_MARK;
      throw error;
    }
  }

  private seal(key: Key, draft: Draft, generation: string, stamp: number): Promise<Buffer> | Buffer {
    const { value, labels, freshForMs } = draft;
    const freshUntilServerMs = this.freshUntil(freshForMs);
    return this.codec.seal({ value, generation, stamp, labels, freshUntilServerMs, graceMs: graceOf(draft) }, key.id);
  }

  private dueAt(entries: number): DueMs {
    return dueAt(this.parts.clock, this.timeouts, entries);
  }

  private freshUntil(freshForMs: number): number {
    return this.parts.serverClock.nowMs() + freshForMs;
  }

  private told(key: Key): Announcement {
    return this.parts.publisher.of(this.parts.shards.of(key), { kind: 'stored', keys: [fingerprint(key.id)] });
  }

  private run(script: Script, key: Key, told: Announcement, args: readonly Argument[]): Promise<unknown> {
    const around = this.parts.shards.of(key).around(key.id);
    return this.parts.pool.run(script, [...around, ...told.keys], [...told.args, ...args]);
  }

  private indexed(key: Key): string {
    return this.hasIndex ? key.id : '';
  }
}
