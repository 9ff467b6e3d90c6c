import type { Selection } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import type { Key, KeyId } from '../../core/keys/key.js';
import { Clearing } from '../remote/clearing.js';
import type { Removal } from '../remote/index-scan.js';
import type { ServerClock } from '../remote/server-clock.js';
import { chunks, inTurns, sum } from '../shared/batches.js';
import { MAX_PARALLEL_SCANS } from '../shared/counting.js';
import type { MongoConnection } from './connection/connection.js';
import { HEADER_FIELDS, headerOf, projectionOf, type EntryHeader } from './documents.js';
import { asSeen, type MongoIndex, type MongoScan } from './index-scan.js';
import type { MongoReader } from './reader.js';
import type { MongoShardClocks } from './shard-clocks.js';
import { everyState, shardOfState, type MongoShard, type MongoShards } from './shards.js';

/** Keys of one command. */
const BATCH = 500;

interface InvalidationParts {
  readonly connection: MongoConnection;
  readonly shards: MongoShards;
  readonly reader: MongoReader;
  readonly shardClocks: MongoShardClocks;
  readonly index: MongoIndex;
  readonly scan: MongoScan;
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
  readonly clearing: Clearing<MongoShard>;

  constructor(private readonly parts: InvalidationParts) {
    const { scan, shardClocks } = parts;
    this.clearing = new Clearing({
      ...parts,
      // A lease stays: its fill is judged by the state.
      empty: 'other',
      tick: (shard, labels, kind) => shardClocks.tick(shard, labels, kind),
      tickAll: async (tick) => inTurns(await this.everyShard(), MAX_PARALLEL_SCANS, tick),
      remove: (shard, selection, removal) => scan.remove(shard, selection, removal),
    });
  }

  async evict(keys: readonly Key[]): Promise<number> {
    const [only] = keys;
    if (only === undefined) return 0;
    if (keys.length === 1) return this.evictOne(only);
    const batches = [...this.parts.shards.group(keys)].flatMap(([shard, all]) =>
      chunks([...new Set(all.map(({ id }) => id))], BATCH).map((some) => [shard, some] as const),
    );
    return sum(await inTurns(batches, MAX_PARALLEL_SCANS, ([shard, some]) => this.evictSome(shard, some)));
  }

  /**
   * Removes documents with the leases in them: a load under way stands there too, and its fill finds nothing to store
   * into. So nothing has to be voided beforehand.
   */
  async removeMatching(selection: Selection): Promise<number> {
    const { shards, scan } = this.parts;
    const judge: Removal['judge'] = (header, state) => (scan.isLive(header, state) ? 'live' : 'dead');
    const counts = await inTurns(shards.all(selection.view.partition), MAX_PARALLEL_SCANS, async (shard) => {
      let removed = 0;
      for await (const some of scan.remove(shard, selection, { judge, empty: 'dead', isTold: false })) removed += some;
      return removed;
    });
    return sum(counts);
  }

  /** Every shard of this prefix, found by its state: the one place that crosses partitions. */
  async everyShard(): Promise<MongoShard[]> {
    const { connection, shards } = this.parts;
    const found = await connection.run((documents) =>
      documents.find(everyState(shards.lead), { projection: { _id: 1 } }).toArray(),
    );
    return found.map(({ _id }) => shardOfState(_id, shards.lead));
  }

  /** Removes documents by name, whatever stands in them; how many of them were live. */
  private async evictSome(shard: MongoShard, ids: readonly KeyId[]): Promise<number> {
    const { connection, index, scan } = this.parts;
    const names = ids.map((id) => shard.entry(id));
    const [visited, state] = await index.look(shard, names);
    const live = visited.filter(({ header }) => header !== undefined && scan.isLive(header, state));
    return connection.run(async (documents) => {
      const removed = live.length === 0 ? 0 : (await documents.deleteMany(asSeen(live))).deletedCount;
      await documents.deleteMany({ _id: { $in: names } });
      return removed;
    });
  }

  private async evictOne(key: Key): Promise<number> {
    const { shards, reader, scan } = this.parts;
    const shard = shards.of(key);
    const [header, state] = await Promise.all([this.removeOne(shard, key.id), reader.state(shard, key.labels)]);
    if (header === undefined) return 0;
    const isKnown = header.labels.every((label) => state?.stamps.has(label) === true);
    return scan.isLive(header, isKnown ? state : await reader.state(shard, header.labels)) ? 1 : 0;
  }

  /** One document, in one step. */
  private async removeOne(shard: MongoShard, id: KeyId): Promise<EntryHeader | undefined> {
    const projection = projectionOf(HEADER_FIELDS);
    const found = await this.parts.connection.run((documents) =>
      documents.findOneAndDelete({ _id: shard.entry(id) }, { projection }),
    );
    return headerOf(found ?? undefined);
  }
}
