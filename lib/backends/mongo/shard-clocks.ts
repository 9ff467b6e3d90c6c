/** Clocks of shards: begun, kept alive, and ticked by what invalidates many entries at once. Keeps invariants 3 and 4. */
import type { mongo } from 'mongoose';
import type { Label } from '../../core/keys/label.js';
import type { Stamp } from '../../core/stamp.js';
import {
  change,
  FAR,
  IDLE_STATE_MS,
  isSoundState,
  ttlIndexAt,
  projectionOf,
  STATE_FIELDS,
  stateOf,
  type Documents,
  type LabelFields,
  type ShardState,
  type Stored,
} from './documents.js';
import type { MongoShard } from './shards.js';
import { isDuplicate } from './connection/errors.js';
import type { MongoConnection } from './connection/connection.js';
import type { Tick } from '../remote/clearing.js';
import type { ServerClock } from '../remote/server-clock.js';
import { chunks } from '../shared/batches.js';
import { ENDLESS_MS, keptMs } from '../shared/draft-times.js';
import { nonce } from '../shared/nonce.js';
import { RefusedError } from '../shared/refused.error.js';

/** Labels of a shard whose stamps are kept. Beyond it the minimum stamp rises to the oldest: more is invalid, never less. */
const MAX_LABELS = 2_000;
/** Labels forgotten at once, and after how many invalidated ones it is looked whether there are too many. */
const FORGOTTEN = 100;
const MAX_SHARDS = 10_000;
/** By how much longer than it has to a state lives at most: so seldom its life is lengthened. */
const AHEAD_MS = 86_400_000;
const NO_LABELS: readonly Label[] = Object.freeze([]);

export interface ShardClocksParts {
  readonly connection: MongoConnection;
  readonly fields: LabelFields;
  readonly serverClock: ServerClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class MongoShardClocks {
  /** Clocks as last heard, to guess the next tick by. */
  private readonly heard = new Map<string, Stamp>();
  private readonly sinceLook = new Map<string, number>();

  constructor(private readonly parts: ShardClocksParts) {}

  /** The state as it is, or a new life of the shard. */
  async begun(shard: MongoShard, isAgain = false): Promise<ShardState> {
    const { connection, serverClock } = this.parts;
    const clock = this.nowUs();
    const initial = { i: nonce(), c: clock, f: clock, b: clock, x: ttlIndexAt(serverClock.nowMs() + IDLE_STATE_MS) };
    const begin = (documents: Documents): Promise<Stored | null> =>
      documents.findOneAndUpdate(
        { _id: shard.stateId },
        { $setOnInsert: initial },
        { upsert: true, returnDocument: 'after', projection: projectionOf(STATE_FIELDS) },
      );
    const found = await connection.run((documents) =>
      begin(documents).catch(async (error: unknown) => {
        // Two began it at once; one of them is there now.
        if (isDuplicate(error)) return begin(documents);
        throw error;
      }),
    );
    const state = stateOf(found, NO_LABELS, this.parts.fields);
    if (state !== undefined) {
      this.hear(shard, state.clock);
      return state;
    }
    if (isAgain || !(await this.bury(shard)))
      throw new RefusedError('a call', 'mongo', { why: 'something else stands under the name of the state' });
    return this.begun(shard, true);
  }

  /**
   * A state that cannot be ours goes, and with it everything that was valid by it. Whether one was there: nothing in the
   * shard is valid any more, so that whatever was to be invalidated is.
   */
  private async bury(shard: MongoShard): Promise<boolean> {
    return this.parts.connection.run(async (documents) => {
      const found = await documents.findOne(
        { _id: shard.stateId },
        { projection: projectionOf([...STATE_FIELDS, 't']) },
      );
      if (found === null || isSoundState(found)) return false;
      // Only that one: another process may have begun a new one meanwhile.
      const { i, c } = found;
      const same = { _id: shard.stateId, i: i ?? null, c: c ?? null } as mongo.Filter<Stored>;
      return (await documents.deleteOne(same)).deletedCount > 0;
    });
  }

  /** The state of a shard outlives its entries, or they would be lost with it; by a day at most, or it would be left behind. */
  async keep(shard: MongoShard, state: ShardState, keptForMs: number): Promise<void> {
    const nowMs = this.parts.serverClock.nowMs();
    const livesMs = keptMs({ keptForMs });
    // As earlier versions left it, for entries without a ttl.
    const isEndless = state.endMs >= FAR.getTime();
    if (!isEndless && state.endMs >= ttlIndexAt(nowMs + livesMs).getTime()) return;
    const leastMs = isEndless ? Math.max(livesMs, ENDLESS_MS) : livesMs;
    const x = ttlIndexAt(nowMs + leastMs + Math.min(leastMs, AHEAD_MS) + IDLE_STATE_MS);
    await this.parts.connection.run((documents) =>
      documents.updateOne({ _id: shard.stateId }, isEndless ? { $set: { x } } : { $max: { x } }, {
        writeConcern: { w: 1 },
      }),
    );
  }

  /**
   * Invalidates labels, or with `everything` (and for more labels than are remembered) everything in the shard. O(1) in
   * entries. A shard without a state has nothing valid, so nothing has to be noted: undefined.
   */
  async tick(
    shard: MongoShard,
    labels: readonly Label[],
    kind: 'labels' | 'everything',
  ): Promise<Tick<MongoShard> | undefined> {
    try {
      return await this.tickSound(shard, labels, kind);
    } catch (error) {
      if (error instanceof RefusedError && (await this.bury(shard))) return undefined;
      throw error;
    }
  }

  private async tickSound(
    shard: MongoShard,
    labels: readonly Label[],
    kind: 'labels' | 'everything',
  ): Promise<Tick<MongoShard> | undefined> {
    const { connection, fields } = this.parts;
    // So many would be forgotten at once, and the minimum stamp would rise to them all the same.
    if (new Set(labels).size > MAX_LABELS - FORGOTTEN) return this.tickSound(shard, NO_LABELS, 'everything');
    const paths = [...fields.paths(labels), ...(kind === 'everything' ? ['f'] : []), 'b'];
    const projection = projectionOf([...STATE_FIELDS, ...fields.paths(labels)]);
    const clock = Math.max((this.heard.get(shard.stateId) ?? 0) + 1, this.nowUs());
    const set = Object.fromEntries([...paths, 'c'].map((path) => [path, clock]));
    const before = await connection.run((documents) =>
      documents.findOneAndUpdate(
        { _id: shard.stateId, c: { $lt: clock } },
        { $set: set },
        { returnDocument: 'before', projection },
      ),
    );
    const ticked = before === null ? await this.tickBehind(shard, paths, projection) : { found: before, clock };
    if (ticked === undefined) return undefined;
    this.hear(shard, ticked.clock);
    await this.forgetOld(shard, labels.length);
    const state = stateOf(ticked.found, labels, fields);
    if (state === undefined) return undefined;
    return {
      shard,
      generation: state.generation,
      clock: ticked.clock,
      minimumStamp: state.minimumStamp,
      stamps: state.stamps,
    };
  }

  /**
   * The clock is ahead of ours. Safe in two steps: a lease between them reads the new clock, and its loader began after
   * what was to be invalidated had been changed.
   */
  private async tickBehind(
    shard: MongoShard,
    paths: readonly string[],
    projection: Record<string, 1>,
  ): Promise<{ readonly found: Stored; readonly clock: Stamp } | undefined> {
    return this.parts.connection.run(async (documents) => {
      const found = await documents.findOneAndUpdate({ _id: shard.stateId }, change({ $inc: { c: 1 } }), {
        returnDocument: 'after',
        projection,
      });
      if (found === null) return undefined;
      const clock = Number(found['c']);
      await documents.updateOne(
        { _id: shard.stateId },
        { $max: Object.fromEntries(paths.map((path) => [path, clock])) },
      );
      return { found, clock };
    });
  }

  /**
   * Looks now and then whether a shard remembers too many labels. What is forgotten is covered by the minimum stamp
   * from then on.
   */
  private async forgetOld(shard: MongoShard, ticked: number): Promise<void> {
    if (ticked === 0) return;
    // Processes that do not live long enough to count to the end would never look if all of them began at nought.
    const before = this.sinceLook.get(shard.stateId) ?? Math.floor(this.parts.random() * FORGOTTEN);
    const since = before + ticked;
    this.note(this.sinceLook, shard, since < FORGOTTEN ? since : 0);
    if (since < FORGOTTEN) return;
    await this.parts.connection.run(async (documents) => {
      const found = await documents.findOne({ _id: shard.stateId }, { projection: { i: 1, t: 1 } });
      const stamps = Object.entries((found?.['t'] ?? {}) as Record<string, number>);
      if (found === null || stamps.length <= MAX_LABELS) return;
      const oldest = stamps.sort(([, one], [, other]) => one - other).slice(0, stamps.length - MAX_LABELS + FORGOTTEN);
      for (const some of chunks(oldest, FORGOTTEN)) {
        const paths = some.map(([field, stamp]) => [`t.${field}`, stamp] as const);
        // Only if none of them has risen since it was looked at: it would be forgotten with its new stamp.
        await documents.updateOne(
          { _id: shard.stateId, i: found['i'] as string, ...Object.fromEntries(paths) },
          { $max: { f: some.at(-1)?.[1] ?? 0 }, $unset: Object.fromEntries(paths.map(([path]) => [path, ''])) },
        );
      }
    });
  }

  private hear(shard: MongoShard, clock: Stamp): void {
    this.note(this.heard, shard, clock);
  }

  private note(map: Map<string, number>, { stateId }: MongoShard, value: number): void {
    if (map.size >= MAX_SHARDS) map.clear();
    map.set(stateId, value);
  }

  private nowUs(): number {
    return Math.floor(this.parts.serverClock.nowMs() * 1_000);
  }
}
