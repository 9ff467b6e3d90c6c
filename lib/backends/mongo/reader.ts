/** What stands under keys, judged by the states of their shards. */
import type { Reading } from '../../core/backend.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { RequiredStamp } from '../../core/stamp.js';
import type { mongo } from 'mongoose';
import {
  change,
  ENTRY_FIELDS,
  headerOf,
  leaseOf,
  STATE_FIELDS,
  stateOf,
  type HeldLease,
  type LabelFields,
  type ShardState,
  type Stored,
} from './documents.js';
import type { MongoShard, MongoShards } from './shards.js';
import { requiredStamp } from '../remote/shard-state.js';
import type { MongoConnection } from './connection/connection.js';
import { CoalescedReads, type Found } from './coalesced-reads.js';
import type { ServerClock } from '../remote/server-clock.js';
import { identityOf } from '../remote/counter.js';
import { ServerEntry, type EntryOpener } from '../remote/stored-entry.js';

/** What makes a document an entry; see mongo/documents. */
const VALUE = Object.freeze({ m: '', v: '', q: '', h: '', i: '', s: '', g: '', e: '', z: '' });

/** Everything that stood under a key when it was looked at. */
export interface Look {
  readonly entry: ServerEntry | undefined;
  readonly required: RequiredStamp;
  /** Of the value, also of one that does not open; undefined where there is none. */
  readonly mark: string | undefined;
  /** True for a number that the server itself adds to. */
  readonly isCounter: boolean;
  readonly lease: HeldLease | undefined;
  readonly state: ShardState | undefined;
  /** Something that is none of ours stands there. */
  readonly isForeign: boolean;
}

export interface ReaderParts {
  readonly connection: MongoConnection;
  readonly shards: MongoShards;
  readonly fields: LabelFields;
  readonly opener: EntryOpener;
  readonly serverClock: ServerClock;
}

export class MongoReader {
  private readonly reads: CoalescedReads;

  constructor(private readonly parts: ReaderParts) {
    this.reads = new CoalescedReads(parts, [...ENTRY_FIELDS, ...STATE_FIELDS]);
  }

  async read(key: Key): Promise<Reading> {
    const { entry, required } = await this.look(key);
    return { entry, required, level: 'l2' };
  }

  async look(key: Key): Promise<Look> {
    const shard = this.parts.shards.of(key);
    return this.judge(key, shard, await this.reads.ask([shard.entry(key.id), shard.stateId], key.labels));
  }

  /** The state of a shard with the stamps of some labels. Undefined: there is none, so nothing in it is valid. */
  async state(shard: MongoShard, labels: readonly Label[]): Promise<ShardState | undefined> {
    const { documents } = await this.reads.ask([shard.stateId], labels);
    return stateOf(documents.get(shard.stateId), labels, this.parts.fields);
  }

  private async judge(key: Key, shard: MongoShard, { documents, labels }: Found): Promise<Look> {
    const document = documents.get(shard.entry(key.id));
    const entry = await this.open(key, document);
    if (entry === undefined && document !== undefined) this.discard(document);
    const state = stateOf(documents.get(shard.stateId), labels, this.parts.fields);
    const mark = headerOf(document)?.mark;
    return {
      entry,
      required: await this.required(shard, entry, state),
      mark,
      // A number beside a sealed value is none of ours, and not what a reader is given.
      isCounter: entry?.counter !== undefined,
      lease: leaseOf(document),
      state,
      isForeign: mark === undefined && document?.['m'] != null,
    };
  }

  /**
   * Labels that came with the result and that the caller did not know are asked for: later, so the answer can only say
   * more.
   */
  private async required(
    shard: MongoShard,
    entry: ServerEntry | undefined,
    state: ShardState | undefined,
  ): Promise<RequiredStamp> {
    if (state === undefined) return { generation: '', stamp: 0 };
    const labels = entry?.labels ?? [];
    const unknown = labels.filter((label) => !state.stamps.has(label));
    const stamp = requiredStamp(state, labels);
    if (unknown.length === 0) return { generation: state.generation, stamp };
    const later = await this.state(shard, unknown);
    if (later?.generation !== state.generation) return { generation: '', stamp };
    return { generation: state.generation, stamp: Math.max(stamp, requiredStamp(later, unknown)) };
  }

  /**
   * Damage is removed by the reader that finds it. Only what was read goes: a lease stays, and so does what has been
   * stored there since. No caller waits for the removal, and where it fails the next reader does it.
   */
  private discard({ _id, v: bytes, m: mark }: Stored): void {
    const isNoneOfOurs = mark != null && typeof mark !== 'string';
    const isRuined = Buffer.isBuffer(bytes) && this.parts.opener.isRuined(bytes);
    if (!isRuined && !isNoneOfOurs) return;
    // Compared as a value, whatever it is: another process may have put the name of an operator there.
    const found = isRuined ? { _id, v: { $eq: bytes } } : { _id, m: { $eq: mark } };
    this.parts.connection
      .run((documents) => documents.updateOne(found as mongo.Filter<Stored>, change({ $unset: VALUE })))
      .catch(() => undefined);
  }

  private async open({ id }: Key, document: Stored | undefined): Promise<ServerEntry | undefined> {
    const { opener, serverClock } = this.parts;
    const { v: bytes, q: number, h: freshUntilMs } = document ?? ({} as Partial<Stored>);
    if (Buffer.isBuffer(bytes)) return opener.open(id, bytes);
    const header = headerOf(document);
    if (header === undefined || typeof number !== 'number' || !opener.trustsCounters) return undefined;
    const freshUntilServerMs = typeof freshUntilMs === 'number' ? freshUntilMs : Infinity;
    const graceMs = freshUntilServerMs === Infinity ? 0 : header.keptUntilMs - freshUntilServerMs;
    const counter = { ...header, identity: identityOf(id), value: number, freshUntilServerMs, graceMs };
    return new ServerEntry(id, Buffer.from(header.mark, 'base64url'), counter, () => number, counter, serverClock);
  }
}
