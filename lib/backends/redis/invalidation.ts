import type { Selection } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import { MAX_HEADER_BYTES, type Header } from '../../core/codec.js';
import { compileGlob } from '../../core/keys/glob.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import type { Change } from '../../core/bus.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import { WHOLE_SHARD, type View } from '../../core/keys/space.js';
import type { ChangePublisher } from './change-publisher.js';
import type { ServerClock } from '../remote/server-clock.js';
import type { EntryOpener } from '../remote/stored-entry.js';
import type { RedisPool } from './connection/pool.js';
import { viewOf, type ShardView } from './reader.js';
import { countWithin } from '../shared/counting.js';
import { chunks, sum } from '../shared/batches.js';
import { isOfAnotherType, text } from './connection/reply.js';
import { EVICT } from './scripts/evict.js';
import { INVALIDATE } from './scripts/invalidate.js';
import { Shard, type ShardMap } from './shards.js';
import type { Judgement, RedisWalk } from './index-scan.js';

const EVERYTHING = compileGlob('*');
/** Keys of one script, so that no script holds up the server for long. */
const BATCH = 200;
/**
 * What somebody else invalidated is left to them to remove and to count, unless that was so long ago that nobody is at
 * it any more. Stamps are microseconds of the server's clock, or a little more.
 */
const ABANDONED_US = 60_000_000;

/** What one invalidation did to a shard. */
interface Ticked {
  readonly shard: Shard;
  readonly generation: string;
  readonly clock: number;
  /** The minimum stamp before. */
  readonly minimumStamp: number;
  /** The stamps of the labels before. */
  readonly stamps: readonly number[];
}

interface InvalidationParts {
  readonly pool: RedisPool;
  readonly shards: ShardMap;
  readonly walk: RedisWalk;
  readonly opener: EntryOpener;
  readonly serverClock: ServerClock;
  readonly publisher: ChangePublisher;
  readonly clock: Clock;
  /** How long a clear counts what it removes before it answers with what it has counted. */
  readonly countingMs: number;
}

/**
 * Removals. The first step of each makes everything it means invalid, in one script per shard; what follows tidies up
 * and counts what was live when it began. With several shards a removal has settled when all of them have answered.
 */
export class RedisInvalidation {
  constructor(private readonly parts: InvalidationParts) {}

  async evict(keys: readonly Key[]): Promise<number> {
    const byShard = new Map<Shard, Key[]>();
    for (const key of keys) {
      const shard = this.parts.shards.of(key);
      const known = byShard.get(shard);
      if (known === undefined) byShard.set(shard, [key]);
      else known.push(key);
    }
    const batches = [...byShard].flatMap(([shard, all]) =>
      chunks(all, BATCH).map((some) => this.evictSome(shard, some)),
    );
    return sum(await Promise.all(batches));
  }

  async invalidate(partition: Partition, labels: readonly Label[]): Promise<void> {
    await Promise.all(this.parts.shards.all(partition).map((shard) => this.tick(shard, 'label', labels)));
  }

  /** @param counts without, what is invalid is left to expire */
  async clear(view: View, counts: boolean): Promise<number> {
    const beganAtMs = this.parts.serverClock.nowMs();
    const kind = view.label === undefined ? 'f' : 'label';
    const labels = view.label === undefined ? [] : [view.label];
    const shards = this.parts.shards.all(view.partition);
    const ticked = await Promise.all(shards.map((shard) => this.tick(shard, kind, labels)));
    return counts ? this.tidyAll(ticked, { view, match: EVERYTHING }, beganAtMs) : 0;
  }

  /**
   * Fills under way are voided first: they are not in the index yet and might match. An index that has lost its mark
   * (the server displaced it) cannot be trusted to be complete; then the whole shard goes.
   */
  async removeMatching(selection: Selection): Promise<number> {
    const beganAtMs = this.parts.serverClock.nowMs();
    const counts = this.parts.shards.all(selection.view.partition).map(async (shard) => {
      const tick = await this.tick(shard, 'p', []);
      if (tick.generation === '') return 0;
      const isWhole = await this.isIndexWhole(shard);
      let removed = 0;
      for await (const some of this.tidy(tick, selection, beganAtMs, true)) removed += some;
      if (!isWhole) await this.tick(shard, 'f', []);
      return removed;
    });
    return sum(await Promise.all(counts));
  }

  /** Every shard of this prefix, found by the names of their meta hashes: the one place that walks a keyspace. */
  async clearEverything(counts: boolean): Promise<number> {
    const beganAtMs = this.parts.serverClock.nowMs();
    const ticked: Ticked[] = [];
    let some: Shard[] = [];
    const tickSome = async (): Promise<void> => {
      const ticks = await Promise.all(some.map((shard) => this.tick(shard, 'f', [])));
      if (counts) ticked.push(...ticks);
      some = [];
    };
    for await (const shard of this.everyShard()) if (some.push(shard) >= BATCH) await tickSome();
    await tickSome();
    return this.tidyAll(ticked, { view: WHOLE_SHARD, match: EVERYTHING }, beganAtMs);
  }

  async *everyShard(): AsyncGenerator<Shard> {
    const seen = new Set<string>();
    for await (const meta of this.parts.pool.pick().scanKeys(`${this.parts.shards.lead}{*}:m`)) {
      if (seen.has(meta)) continue;
      seen.add(meta);
      yield new Shard(meta.slice(0, -1));
    }
  }

  private async evictSome(shard: Shard, keys: readonly Key[]): Promise<number> {
    const { pool, opener, publisher } = this.parts;
    const ids = keys.map(({ id }) => id);
    const expected = [...new Set(keys.flatMap((key) => key.labels))];
    const names = ids.flatMap((id) => [shard.entry(id), shard.lease(id)]);
    const told = publisher.of(shard, { kind: 'evicted', keys: ids.map((id) => fingerprint(id)) });
    const reply = (await pool.run(
      EVICT,
      [shard.meta, shard.index, shard.expiries, ...names, ...told.keys],
      [...told.args, MAX_HEADER_BYTES, expected.length, ...expected, ...ids],
    )) as unknown[];
    const heads = reply[2] as Buffer[];
    const standing = heads.flatMap((head, at) => opener.peek(ids[at] as Key['id'], head) ?? []);
    if (standing.length === 0) return 0;
    const [generation, minimumStamp] = [text(reply[0]), text(reply[1])];
    const said = viewOf([generation, minimumStamp, ...(reply[3] as unknown[]).map(text)], expected);
    const isKnown = standing.every(({ labels }) => labels.every((label) => said.stamps.has(label)));
    const state = isKnown ? said : await this.stateOf(shard, standing);
    return standing.filter((header) => this.parts.walk.isLive(header, state)).length;
  }

  private async stateOf(shard: Shard, headers: readonly Header[]): Promise<ShardView> {
    const labels = [...new Set(headers.flatMap((header) => header.labels))];
    return viewOf(await this.parts.pool.pick().fields(shard.meta, ['i', 'f', ...labels]), labels);
  }

  private async tick(shard: Shard, kind: 'label' | 'f' | 'p', labels: readonly Label[]): Promise<Ticked> {
    const told = this.parts.publisher.of(shard, changeOf(kind, labels));
    const keys = [shard.meta, shard.labels, ...told.keys];
    const reply = (await this.parts.pool.run(INVALIDATE, keys, [...told.args, kind, ...labels])) as unknown[];
    const stamps = (reply[3] as unknown[]).map((stamp) => Number(text(stamp)));
    return {
      shard,
      generation: text(reply[0]),
      clock: Number(text(reply[1])),
      minimumStamp: Number(text(reply[2])),
      stamps,
    };
  }

  /** All of it is invalid already. */
  private tidyAll(ticked: readonly Ticked[], selection: Selection, beganAtMs: number): Promise<number> {
    const { clock, countingMs } = this.parts;
    return countWithin(countingMs, clock, ticked, (tick) => this.tidy(tick, selection, beganAtMs));
  }

  /** What a clear tidies up is over already; what a pattern removes goes here, and others are told of it. */
  private async *tidy(
    tick: Ticked,
    selection: Selection,
    beganAtMs: number,
    isTold = false,
  ): AsyncGenerator<number, void> {
    if (tick.generation === '') return;
    const judge = this.judgement(tick, selection.view.label, beganAtMs);
    yield* this.parts.walk.remove(tick.shard, selection, judge, isTold);
  }

  /**
   * Live before the tick: what the tick itself set, and whatever came after, does not count against it. Of what was dead
   * before, only what has been for long is removed.
   */
  private judgement(tick: Ticked, own: Label | undefined, beganAtMs: number): Judgement {
    return (header, state) => {
      if (header.generation !== tick.generation) return header.generation === state.generation ? 'other' : 'dead';
      if (header.stamp >= tick.clock) return 'other';
      if (beganAtMs >= header.freshUntilServerMs + header.graceMs) return 'dead';
      let killedAt = Infinity;
      const consider = (stamp: number): void => {
        if (stamp > header.stamp && stamp < tick.clock) killedAt = Math.min(killedAt, stamp);
      };
      consider(tick.minimumStamp);
      for (const label of header.labels) {
        consider(label === own ? (tick.stamps[0] ?? 0) : (state.stamps.get(label) ?? 0));
      }
      if (killedAt === Infinity) return 'live';
      return killedAt < tick.clock - ABANDONED_US ? 'dead' : 'other';
    };
  }

  private async isIndexWhole(shard: Shard): Promise<boolean> {
    const connection = this.parts.pool.pick();
    const [mark, [, begun]] = await Promise.all([
      connection.command('ZSCORE', shard.index, '!').catch((error: unknown) => {
        // Then there is no index.
        if (isOfAnotherType(error)) return null;
        throw error;
      }),
      connection.fields(shard.meta, ['i', 'x']),
    ]);
    return mark !== null || begun === null;
  }
}

/** A pattern by itself changes nothing yet, but it takes a number. */
function changeOf(kind: 'label' | 'f' | 'p', labels: readonly Label[]): Change {
  if (kind === 'f') return { kind: 'all' };
  return kind === 'label' ? { kind: 'labels', labels } : { kind: 'evicted', keys: [] };
}
