import type { Selection } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import { compileGlob } from '../../core/keys/glob.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import { WHOLE_SHARD, type View } from '../../core/keys/space.js';
import type { MongoConnection } from './connection/connection.js';
import type { MongoShard, MongoShards } from './documents.js';
import type { MongoReader } from './reader.js';
import type { MongoShardClocks, Ticked } from './shard-clocks.js';
import { type Judgement, type MongoWalk } from './index-scan.js';
import type { ServerClock } from '../remote/server-clock.js';
import { countWithin, MAX_PARALLEL_SCANS } from '../shared/counting.js';
import { chunks, inTurns, sum } from '../shared/batches.js';

const EVERYTHING = compileGlob('*');
/** Keys of one command. */
const BATCH = 500;
const NO_LABELS: readonly Label[] = Object.freeze([]);
/**
 * What somebody else invalidated is left to them to remove and to count, unless that was so long ago that nobody is at
 * it any more. Stamps are microseconds of the server's clock, or a little more.
 */
const ABANDONED_US = 60_000_000;

interface InvalidationParts {
  readonly connection: MongoConnection;
  readonly shards: MongoShards;
  readonly reader: MongoReader;
  readonly shardClocks: MongoShardClocks;
  readonly walk: MongoWalk;
  readonly serverClock: ServerClock;
  readonly clock: Clock;
  /** How long a clear counts what it removes before it answers with what it has counted. */
  readonly countingMs: number;
}

/**
 * Removals. The first step of each makes everything it means invalid, in one document per shard; what follows tidies up
 * and counts what was live when it began. With several shards a removal has settled when all of them have answered.
 */
export class MongoInvalidation {
  constructor(private readonly parts: InvalidationParts) {}

  async evict(keys: readonly Key[]): Promise<number> {
    const { shards, walk } = this.parts;
    const [only] = keys;
    if (only === undefined) return 0;
    if (keys.length === 1) return this.evictOne(only);
    const byShard = new Map<MongoShard, Set<Key['id']>>();
    for (const key of keys) {
      const shard = shards.of(key);
      const known = byShard.get(shard);
      if (known === undefined) byShard.set(shard, new Set([key.id]));
      else known.add(key.id);
    }
    const batches = [...byShard].flatMap(([shard, ids]) =>
      chunks([...ids], BATCH).map((some) => [shard, some] as const),
    );
    return sum(await inTurns(batches, MAX_PARALLEL_SCANS, ([shard, some]) => walk.evict(shard, some)));
  }

  async invalidate(partition: Partition, labels: readonly Label[]): Promise<void> {
    const { shards, shardClocks } = this.parts;
    await Promise.all(shards.all(partition).map((shard) => shardClocks.tick(shard, labels, 'labels')));
  }

  /** @param counts without, what is invalid is left to expire */
  async clear(view: View, counts: boolean): Promise<number> {
    const { shards, shardClocks, serverClock } = this.parts;
    const beganAtMs = serverClock.nowMs();
    const ticked = await Promise.all(
      shards
        .all(view.partition)
        .map((shard) =>
          view.label === undefined
            ? shardClocks.tick(shard, NO_LABELS, 'floor')
            : shardClocks.tick(shard, [view.label], 'labels'),
        ),
    );
    return counts ? this.tidyAll(ticked, view, beganAtMs) : 0;
  }

  /**
   * Removes documents with the leases in them: a load under way stands there too, and its fill finds nothing to store
   * into. So nothing has to be voided beforehand.
   */
  async removeMatching(selection: Selection): Promise<number> {
    const { shards, walk } = this.parts;
    const judge: Judgement = (header, state) => (walk.isLive(header, state) ? 'live' : 'dead');
    const counts = await inTurns(shards.all(selection.view.partition), MAX_PARALLEL_SCANS, async (shard) => {
      let removed = 0;
      for await (const some of walk.remove(shard, selection, judge, 'go')) removed += some;
      return removed;
    });
    return sum(counts);
  }

  /** Every shard of this prefix, found by its state: the one place that crosses partitions. */
  async clearEverything(counts: boolean): Promise<number> {
    const { shardClocks, serverClock } = this.parts;
    const beganAtMs = serverClock.nowMs();
    const everyShard = await this.everyShard();
    const ticked = await inTurns(everyShard, MAX_PARALLEL_SCANS, (shard) =>
      shardClocks.tick(shard, NO_LABELS, 'floor'),
    );
    return counts ? this.tidyAll(ticked, WHOLE_SHARD, beganAtMs) : 0;
  }

  async everyShard(): Promise<MongoShard[]> {
    const { connection, shards } = this.parts;
    const found = await connection.run((documents) =>
      documents.find(shards.states, { projection: { _id: 1 } }).toArray(),
    );
    return found.map(({ _id }) => shards.named(_id));
  }

  private async evictOne(key: Key): Promise<number> {
    const { shards, reader, walk } = this.parts;
    const shard = shards.of(key);
    const [header, state] = await Promise.all([walk.evictOne(shard, key.id), reader.state(shard, key.labels)]);
    if (header === undefined) return 0;
    const isKnown = header.labels.every((label) => state?.stamps.has(label) === true);
    return walk.isLive(header, isKnown ? state : await reader.state(shard, header.labels)) ? 1 : 0;
  }

  /** All of it is invalid already. */
  private tidyAll(ticked: readonly (Ticked | undefined)[], view: View, beganAtMs: number): Promise<number> {
    const { clock, countingMs, walk } = this.parts;
    const known = ticked.filter((tick) => tick !== undefined);
    const selection = { view, match: EVERYTHING };
    return countWithin(countingMs, clock, known, (tick) =>
      walk.remove(tick.shard, selection, this.judgement(tick, view.label, beganAtMs), 'stay'),
    );
  }

  /**
   * Live before the tick: what the tick itself set, and whatever came after, does not count against it. Of what was dead
   * before, only what has been for long is removed.
   */
  private judgement(tick: Ticked, own: Label | undefined, beganAtMs: number): Judgement {
    return (header, state) => {
      if (header.generation !== tick.generation) return header.generation === state?.generation ? 'other' : 'dead';
      if (header.stamp >= tick.clock) return 'other';
      if (beganAtMs >= header.keptUntilMs) return 'dead';
      let killedAt = Infinity;
      const consider = (stamp: number): void => {
        if (stamp > header.stamp && stamp < tick.clock) killedAt = Math.min(killedAt, stamp);
      };
      consider(tick.minimumStamp);
      for (const label of header.labels) {
        consider((label === own ? tick.stamps.get(label) : state?.stamps.get(label)) ?? 0);
      }
      if (killedAt === Infinity) return 'live';
      return killedAt < tick.clock - ABANDONED_US ? 'dead' : 'other';
    };
  }
}
