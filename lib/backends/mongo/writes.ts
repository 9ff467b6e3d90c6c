/**
 * What stores: fills, explicit writes, other ttls for entries. Sealing is done here, judging by the stamps on the
 * server.
 */
import type { FillOutcome, Lease } from '../../core/backend.js';
import type { mongo } from 'mongoose';
import type { Codec } from '../../core/codec.js';
import type { Draft } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import { RandomPool } from '../../core/random-pool.js';
import type { Generation, Stamp } from '../../core/stamp.js';
import {
  change,
  ttlIndexAt,
  namespaceOf,
  type Documents,
  type ShardState,
  type Stored,
  valueFields,
} from './documents.js';
import type { MongoShard } from './shards.js';
import { requiredStamp } from '../remote/shard-state.js';
import { isFresh } from '../remote/stored-entry.js';
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
import { isDuplicate } from './connection/errors.js';
import { OwnWrites } from './change-stream/own-writes.js';
import type { LeaseParts, MongoLeases } from './leases.js';
import { graceOf, keptMs } from '../shared/draft-times.js';
import type { Proof } from '../shared/second-level.js';
import type { DueMs, Load } from '../shared/due.js';

/** Something else would have to change an entry between any two attempts. */
const MAX_ATTEMPTS = 16;
/** Writes in one command. */
const BATCH = 200;

/** What of an entry is not its value: by which state it is judged, and how long it lives. */
export interface EntryMetadata {
  readonly generation: Generation;
  readonly stamp: Stamp;
  readonly draft: Pick<Draft, 'labels' | 'freshForMs' | 'keptForMs'>;
}

interface Sealed {
  readonly key: Key;
  readonly draft: Draft;
  readonly shard: MongoShard;
  readonly state: ShardState;
  readonly fields: Record<string, unknown>;
  readonly keptForMs: number;
  /** What takes the document away takes the ticket away, and the write with it. */
  readonly ticket: string;
}

/** Of all shards that keys lie in, by their names. */
type States = ReadonlyMap<string, ShardState>;

export class MongoWrites {
  /** Values stored from here, as long as the stream has not told of them. */
  readonly ownWrites = new OwnWrites();
  /** What a copy of a stored draft can be checked by. */
  readonly proofs = new WeakMap<Draft, Proof>();
  private readonly names = new RandomPool();

  constructor(
    private readonly parts: LeaseParts,
    private readonly codec: Codec,
    private readonly leases: MongoLeases,
    private readonly timeouts: WriteTimeouts,
  ) {}

  /** Stored under the lease; whether it is valid too is said by the state, as it will be to every reader. */
  async fill(lease: Lease, draft: Draft, load?: Load): Promise<FillOutcome> {
    const { key, token, generation, stamp } = lease;
    const { connection, reader, shards, shardClocks, serverClock } = this.parts;
    const shard = shards.of(key);
    const ready: Ready = (sealing) => loaded(load, sealing, draft);
    const fields = await this.sealed(key, { generation, stamp, draft }, draft.value, ready);
    // A token stands for one generation and one stamp.
    const holds = { 'l.k': token, 'l.u': { $gt: serverClock.nowMs() } };
    const isOfLoad = this.leases.isOfLoad(lease);
    const concern = isOfLoad ? { writeConcern: { w: 1 } } : {};
    // Writes begun since have taken the lease away, so tickets that lie here are of before what replaces them.
    const unset: Record<string, ''> = { l: '', ...(isOfLoad ? {} : { w: '' }), ...this.unsetBy(fields) };
    const [state, { matchedCount }] = await Promise.all([
      reader.state(shard, draft.labels),
      this.storing([fields], () =>
        connection.run((documents) =>
          documents.updateOne({ _id: shard.entry(key.id), ...holds }, { $set: fields, $unset: unset }, concern),
        ),
      ),
    ]);
    if (matchedCount === 0) return 'lease-lost';
    if (state?.generation !== generation || stamp < requiredStamp(state, draft.labels)) return 'invalidated';
    await shardClocks.keep(shard, state, draft.keptForMs);
    this.note(draft, fields);
    return 'stored';
  }

  /**
   * Two-phase write: add a ticket to the document, then store the value only if the ticket is still there. Any removal and
   * any other write deletes it, so a write that a network or a hanging server delivers after its caller has given it up
   * cannot bring back what the caller removed instead. Adding it ends the lease of a load that began before.
   */
  async write(key: Key, draft: Draft, dueMs?: DueMs): Promise<void> {
    await this.writeMany([[key, draft]], dueMs);
  }

  /**
   * All are sealed before any is stored: a value that cannot be kept must not leave half of a batch behind.
   * @param dueMs when the caller is told that it failed
   */
  async writeMany(
    entries: readonly (readonly [Key, Draft])[],
    dueMs: DueMs = dueAt(this.parts.clock, this.timeouts, entries.length),
  ): Promise<void> {
    if (entries.length === 0) return;
    const last = lastOfEach(entries);
    const states = await this.statesOf(last.map(([key]) => key));
    const ready: Ready = (sealing) => readied(dueMs.load, sealing);
    const sealed = await Promise.all(last.map(([key, draft]) => this.prepared(key, draft, states, ready)));
    for (const batch of portionsOf(sealed, BATCH, sizeOf)) {
      await turnOf(batch.map(sizeOf), dueMs);
      await this.layTickets(batch);
      if (this.parts.clock.monotonicMs() > dueMs()) throw tooLate('write', 'mongo');
      await this.redeem(batch);
    }
    await Promise.all(
      [...longest(sealed)].map(([state, { shard, keptForMs }]) => this.parts.shardClocks.keep(shard, state, keptForMs)),
    );
  }

  async expire(key: Key, freshForMs: number, keptForMs: number, load?: Load): Promise<boolean> {
    const { connection, reader, opener, shards } = this.parts;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const look = await reader.look(key);
      const { entry, mark, state } = look;
      if (entry === undefined || mark === undefined || state === undefined || !isFresh(look, this.parts.serverClock))
        return false;
      const metadata = { freshForMs, keptForMs };
      const bytes = look.isCounter
        ? undefined
        : await loaded(load, opener.again(entry, entry.value, this.freshUntil(freshForMs), graceOf(metadata)));
      const fields = bytes === undefined ? this.ends(metadata) : { ...this.ends(metadata), ...valueFields(bytes) };
      const { matchedCount } = await connection.run((documents) =>
        documents.updateOne({ _id: shards.of(key).entry(key.id), m: mark }, { $set: fields }),
      );
      if (matchedCount === 1) {
        await this.parts.shardClocks.keep(shards.of(key), state, keptForMs);
        return true;
      }
    }
    throw changedAtEveryAttempt('expire', 'mongo');
  }

  /** Everything that is stored with a value, its bytes included. @throws UnserializableError, ValueTooLargeError */
  async sealed(key: Key, metadata: EntryMetadata, value: unknown, ready?: Ready): Promise<Record<string, unknown>> {
    const { generation, stamp, draft } = metadata;
    const freshUntilServerMs = this.freshUntil(draft.freshForMs);
    const header = { generation, stamp, labels: draft.labels, freshUntilServerMs, graceMs: graceOf(draft) };
    const sealing = this.codec.seal({ ...header, value }, key.id);
    const bytes = await (ready?.(sealing) ?? sealing);
    return { ...this.metadataFields(key, metadata), ...valueFields(bytes) };
  }

  /** The same without a value. */
  metadataFields(key: Key, { generation, stamp, draft }: EntryMetadata): Record<string, unknown> {
    return { i: generation, s: stamp, g: [...draft.labels], n: namespaceOf(key.id), ...this.ends(draft) };
  }

  /** The ends of a life that begins now. */
  ends({ freshForMs, keptForMs }: Pick<Draft, 'freshForMs' | 'keptForMs'>): Record<string, unknown> {
    const nowMs = this.parts.serverClock.nowMs();
    return {
      h: freshForMs === Infinity ? null : this.freshUntil(freshForMs),
      e: keptForMs === Infinity ? null : nowMs + keptForMs,
      x: ttlIndexAt(nowMs + keptMs({ keptForMs })),
    };
  }

  /** What stood there as another kind of value. */
  unsetBy(fields: Record<string, unknown>): Record<string, ''> {
    return 'v' in fields ? { q: '' } : { v: '' };
  }

  /** The states of all shards that keys lie in, by the names of the shards. */
  private async statesOf(keys: readonly Key[]): Promise<States> {
    const shards = new Map(keys.map((key) => [this.parts.shards.of(key).name, this.parts.shards.of(key)]));
    const found = await Promise.all(
      [...shards.values()].map(async (shard) => {
        const state = (await this.parts.reader.state(shard, [])) ?? (await this.parts.shardClocks.begun(shard));
        return [shard.name, state] as const;
      }),
    );
    return new Map(found);
  }

  private async prepared(key: Key, draft: Draft, states: States, ready: Ready): Promise<Sealed> {
    const shard = this.parts.shards.of(key);
    const state = states.get(shard.name) as ShardState;
    const metadata = { generation: state.generation, stamp: state.clock, draft };
    const fields = await this.sealed(key, metadata, draft.value, ready);
    return { key, draft, shard, state, fields, keptForMs: draft.keptForMs, ticket: this.names.name() };
  }

  private async layTickets(batch: readonly Sealed[]): Promise<void> {
    const nowMs = this.parts.serverClock.nowMs();
    await this.parts.connection.run(async (documents) => {
      const operations = batch.map(({ key, shard, ticket }) => ({
        updateOne: {
          filter: { _id: shard.entry(key.id) },
          update: change({
            $set: { [`w.${ticket}`]: nowMs },
            $max: { x: ttlIndexAt(nowMs) },
            $unset: { l: '' },
            $setOnInsert: { n: namespaceOf(key.id) },
          }),
          upsert: true,
        },
      }));
      const once = async (): Promise<unknown> => documents.bulkWrite(operations, { ordered: false });
      // Two created a document at once: one of them is there now, and laying a ticket twice lays it once.
      await once().catch(async (error: unknown) => {
        if (!isDuplicate(error) && !(await this.tookAliens(documents, batch))) throw error;
        await once();
      });
    });
  }

  /** Something that holds no tickets, where tickets lie, would refuse every write to its key for ever. */
  private async tookAliens(documents: Documents, batch: readonly Sealed[]): Promise<boolean> {
    const names = batch.map(({ key, shard }) => shard.entry(key.id));
    const { modifiedCount } = await documents.updateMany(
      { _id: { $in: names }, w: { $exists: true, $not: { $type: 'object' } } },
      change({ $unset: { w: '' } }),
    );
    return modifiedCount > 0;
  }

  private async redeem(batch: readonly Sealed[]): Promise<void> {
    const operations = batch.map(({ key, shard, fields, ticket }) => ({
      updateOne: {
        filter: { _id: shard.entry(key.id), [`w.${ticket}`]: { $exists: true } } as mongo.Filter<Stored>,
        update: change({ $set: fields, $unset: { l: '', w: '', ...this.unsetBy(fields) } }),
      },
    }));
    const values = batch.map(({ fields }) => fields);
    const { matchedCount } = await this.storing(values, () =>
      this.parts.connection.run(async (documents) => documents.bulkWrite(operations, { ordered: false })),
    );
    // Of a batch that was overtaken in part it is not known which.
    if (matchedCount !== batch.length) return;
    for (const { draft, fields } of batch) this.note(draft, fields);
  }

  /** The stream's events about these values are not foreign here, unless the outcome of the write is unknown. */
  private async storing<T>(values: readonly Record<string, unknown>[], work: () => Promise<T>): Promise<T> {
    for (const { m } of values) this.ownWrites.add(m);
    try {
      return await work();
    } catch (error) {
      for (const { m } of values) this.ownWrites.take(m);
      throw error;
    }
  }

  private note(draft: Draft, { m, i, s }: Record<string, unknown>): void {
    this.proofs.set(draft, { mark: m as string, generation: i as Generation, stamp: s as Stamp });
  }

  private freshUntil(freshForMs: number): number {
    return this.parts.serverClock.nowMs() + freshForMs;
  }
}

function sizeOf({ fields }: Sealed): number {
  return fields['z'] as number;
}

/** For each shard the write that is kept longest. */
function longest(sealed: readonly Sealed[]): ReadonlyMap<ShardState, Sealed> {
  const longestOf = new Map<ShardState, Sealed>();
  for (const each of sealed) {
    const known = longestOf.get(each.state);
    if (known === undefined || known.keptForMs < each.keptForMs) longestOf.set(each.state, each);
  }
  return longestOf;
}
