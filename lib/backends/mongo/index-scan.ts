/** The documents of shards in the order of their names, which is that of ids; values stay on the server. */
import { storedId, type KeyId } from '../../core/keys/key.js';
import type { View } from '../../core/keys/space.js';
import type { IndexScan, ScanSource, Visited } from '../remote/index-scan.js';
import type { MongoConnection } from './connection/connection.js';
import { HEADER_FIELDS, headerOf, projectionOf, type EntryHeader, type ShardState, type Stored } from './documents.js';
import type { MongoReader } from './reader.js';
import type { MongoShard } from './shards.js';

/** What is said about what a scan leaves out. */
const ALIEN =
  'something that this library has not written stands among its documents; it is left out of listings and patterns';

/** One document as it stands now. */
interface MongoVisited extends Visited {
  readonly name: string;
  readonly header: EntryHeader | undefined;
}

interface MongoIndexParts {
  readonly connection: MongoConnection;
  readonly reader: MongoReader;
}

export type MongoScan = IndexScan<MongoShard, MongoVisited, MongoVisited>;

type Seen = readonly [readonly MongoVisited[], ShardState | undefined];

export class MongoIndex implements ScanSource<MongoShard, MongoVisited, MongoVisited> {
  readonly batch = 500;
  readonly steps = 100;

  constructor(
    private readonly parts: MongoIndexParts,
    private readonly tell: (problem: string) => void,
  ) {}

  async find(shard: MongoShard, view: View, after: KeyId | undefined): Promise<readonly MongoVisited[]> {
    const { batch } = this;
    const projection = projectionOf(HEADER_FIELDS);
    const within = shard.within(view, after === undefined ? undefined : shard.entry(after));
    const found = await this.parts.connection.run((documents) =>
      documents.find(within, { projection, sort: { _id: 1 }, limit: batch, batchSize: batch + 1 }).toArray(),
    );
    return found.map((each) => visitedOf(shard, each));
  }

  /** What was found brought what stands there. */
  async visit(shard: MongoShard, found: readonly MongoVisited[], isAgain: boolean): Promise<Seen> {
    return isAgain
      ? this.look(
          shard,
          found.map(({ name }) => name),
        )
      : [found, await this.stateFor(shard, found)];
  }

  async remove(
    _shard: MongoShard,
    live: readonly MongoVisited[],
    dead: readonly MongoVisited[],
  ): Promise<readonly [number, readonly MongoVisited[]]> {
    return this.parts.connection.run(async (documents) => {
      const removed = live.length === 0 ? 0 : (await documents.deleteMany(asSeen(live))).deletedCount;
      const buried = dead.length === 0 ? 0 : (await documents.deleteMany(asSeen(dead))).deletedCount;
      const isAll = removed + buried === live.length + dead.length;
      return [removed, isAll ? [] : [...live, ...dead]];
    });
  }

  /** What stands under some names, and the state it is judged by. */
  async look(shard: MongoShard, names: readonly string[]): Promise<Seen> {
    const projection = projectionOf(HEADER_FIELDS);
    const found = await this.parts.connection.run((documents) =>
      documents.find({ _id: { $in: [...names] } }, { projection, batchSize: names.length + 1 }).toArray(),
    );
    const visited = found.map((each) => visitedOf(shard, each));
    return [visited, await this.stateFor(shard, visited)];
  }

  onAlien(): void {
    this.tell(ALIEN);
  }

  /** The state with the stamps of all labels that were seen. */
  private async stateFor(shard: MongoShard, visited: readonly MongoVisited[]): Promise<ShardState | undefined> {
    const labels = [...new Set(visited.flatMap(({ header }) => header?.labels ?? []))];
    return visited.length === 0 ? undefined : this.parts.reader.state(shard, labels);
  }
}

function visitedOf(shard: MongoShard, document: Stored): MongoVisited {
  const name = document._id;
  const header = headerOf(document);
  return { name, id: storedId(shard.idOf(name)), header, sizeBytes: header?.sizeBytes ?? 0 };
}

/** Those documents, as long as they hold what was seen. A mark stands for one value in one document ever. */
export function asSeen(visited: readonly MongoVisited[]): { _id: { $in: string[] }; m: { $in: (string | null)[] } } {
  return {
    _id: { $in: visited.map(({ name }) => name) },
    m: { $in: visited.map(({ header }) => header?.mark ?? null) },
  };
}
