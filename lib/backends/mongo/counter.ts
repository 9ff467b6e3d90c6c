/** Counters: numbers that the server adds to, or, where nothing unsealed may be believed, envelopes that are swapped. */
import { randomBytes } from 'node:crypto';
import { ENVELOPE_MARK_BYTES } from '../../core/codec.js';
import type { Draft } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import { sumOf } from '../remote/counter.js';
import { isFresh } from '../remote/stored-entry.js';
import { changedAtEveryAttempt, tooLate } from '../remote/writing.js';
import { change, ttlIndexAt } from './documents.js';
import { isDuplicate } from './connection/errors.js';
import type { LeaseParts } from './leases.js';
import type { Look } from './reader.js';
import type { MongoWrites } from './writes.js';
import { ENDLESS_MS } from '../shared/draft-times.js';
import type { DueMs } from '../shared/due.js';

/** Counts by comparing and swapping meet each other. */
const MAX_ATTEMPTS = 200;
const NUMBER_BYTES = 8;

export class MongoCounter {
  constructor(
    private readonly parts: LeaseParts,
    private readonly writes: MongoWrites,
  ) {}

  /**
   * @param dueMs when the caller is told that it failed: nothing is sent after that
   * @throws NotACounterError
   */
  async increment(key: Key, by: number, draft: Omit<Draft, 'value'>, dueMs: DueMs): Promise<number> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const look = await this.parts.reader.look(key);
      if (this.parts.clock.monotonicMs() > dueMs()) throw tooLate('increment', 'mongo');
      const entry = isFresh(look, this.parts.serverClock) ? look.entry : undefined;
      const total = sumOf(key, entry === undefined ? 0 : entry.value, by);
      if (entry === undefined) {
        if (await this.begin(key, total, draft, look)) return total;
      } else if (look.isCounter) {
        const counted = await this.add(key, by, look);
        if (counted !== undefined) return counted;
      } else if (await this.carryOn(key, total, look)) return total;
    }
    throw changedAtEveryAttempt('increment', 'mongo');
  }

  /**
   * A number keeps its mark from when it begins to when it ends, so adding does not care how often others have added
   * meanwhile.
   */
  private async add(key: Key, by: number, look: Look): Promise<number | undefined> {
    const { mark } = look;
    const x = await this.anotherYear(key, look);
    const least = by < 0 ? Number.MIN_SAFE_INTEGER - by : Number.MIN_SAFE_INTEGER;
    const most = by > 0 ? Number.MAX_SAFE_INTEGER - by : Number.MAX_SAFE_INTEGER;
    const found = await this.parts.connection.run((documents) =>
      documents.findOneAndUpdate(
        { _id: this.nameOf(key), m: mark, q: { $gte: least, $lte: most } },
        change({ $inc: { q: by }, $unset: { l: '' }, ...(x === undefined ? {} : { $max: { x } }) }),
        { returnDocument: 'after', projection: { q: 1 } },
      ),
    );
    return typeof found?.['q'] === 'number' ? found['q'] : undefined;
  }

  private async begin(key: Key, total: number, draft: Omit<Draft, 'value'>, look: Look): Promise<boolean> {
    const { shardClocks, opener, shards } = this.parts;
    const state = look.state ?? (await shardClocks.begun(shards.of(key)));
    const metadata = { generation: state.generation, stamp: state.clock, draft };
    const fields = opener.trustsCounters
      ? { ...this.writes.metadataFields(key, metadata), ...numberFields(total) }
      : await this.writes.sealed(key, metadata, total);
    if (!(await this.swap(key, look, fields))) return false;
    await shardClocks.keep(shards.of(key), state, draft.keptForMs);
    return true;
  }

  /** A number that was written goes on with the life it has: as a counter, or sealed again. */
  private async carryOn(key: Key, total: number, look: Look): Promise<boolean> {
    const { opener } = this.parts;
    if (look.entry === undefined) return false;
    const x = await this.anotherYear(key, look);
    const end = x === undefined ? {} : { x };
    if (opener.trustsCounters) return this.swap(key, look, { ...numberFields(total), ...end });
    const { freshUntilServerMs, graceMs } = look.entry.opened;
    const bytes = await opener.again(look.entry, total, freshUntilServerMs, graceMs);
    const mark = bytes.toString('base64url', 0, ENVELOPE_MARK_BYTES);
    return this.swap(key, look, { v: bytes, z: bytes.length, m: mark, ...end });
  }

  /** When the server may take what has no ttl and is counted with now. Undefined: it has a ttl. */
  private async anotherYear(key: Key, { entry, state }: Look): Promise<Date | undefined> {
    const { shardClocks, shards, serverClock } = this.parts;
    if (entry?.opened.freshUntilServerMs !== Infinity || state === undefined) return undefined;
    await shardClocks.keep(shards.of(key), state, Infinity);
    return ttlIndexAt(serverClock.nowMs() + ENDLESS_MS);
  }

  /** Puts a value in the place of what was looked at, or where nothing was. */
  private async swap(key: Key, { mark }: Look, fields: Record<string, unknown>): Promise<boolean> {
    const { matchedCount, upsertedCount } = await this.parts.connection.run((documents) =>
      documents
        .updateOne(
          { _id: this.nameOf(key), m: mark ?? null },
          { $set: fields, $unset: { l: '', ...this.writes.unsetBy(fields) } },
          { upsert: mark === undefined },
        )
        .catch((error: unknown) => {
          if (isDuplicate(error)) return { matchedCount: 0, upsertedCount: 0 };
          throw error;
        }),
    );
    return matchedCount + upsertedCount > 0;
  }

  private nameOf(key: Key): string {
    return this.parts.shards.of(key).entry(key.id);
  }
}

function numberFields(total: number): Record<string, unknown> {
  return { q: total, z: NUMBER_BYTES, m: randomBytes(ENVELOPE_MARK_BYTES).toString('base64url') };
}
