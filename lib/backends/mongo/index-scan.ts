/**
 * Walks over the documents of shards in the order of their names: listing, counting, and tidying up what has been
 * invalidated. The entries of a space lie together, so a walk costs what it visits, not what the collection holds; values
 * stay on the server.
 */
import type { Page, Selection, Usage } from '../../core/backend.js';
import { compileGlob, stepsToTest, type Glob } from '../../core/keys/glob.js';
import { isInView } from '../../core/keys/in-view.js';
import { storedId, visibleKeyIn, type KeyId } from '../../core/keys/key.js';
import type { Pace } from '../../core/async/pace.js';
import type { View } from '../../core/keys/space.js';
import {
  requiredStamp,
  HEADER_FIELDS,
  headerOf,
  projectionOf,
  type EntryHeader,
  type MongoShard,
  type ShardState,
  type Stored,
} from './documents.js';
import type { MongoConnection } from './connection/connection.js';
import type { MongoReader } from './reader.js';
import type { ServerClock } from '../remote/server-clock.js';

const BATCH = 500;
/** Steps for a document. */
const DOCUMENT_STEPS = 100;
/** What walks say about what they leave out. */
const ALIEN =
  'something that this library has not written stands among its documents; it is left out of listings and patterns';
const EVERYTHING = compileGlob('*');
/** An entry that changes each time it is to be removed is left after so many tries: something stores it anew. */
const MAX_TRIES = 8;

/** One document as it stands now. */
interface Visited {
  readonly name: string;
  readonly id: KeyId;
  readonly header: EntryHeader | undefined;
}

/** What a walk does with an entry: `live` goes and counts, `dead` goes, `other` stays. */
export type Judgement = (header: EntryHeader, state: ShardState | undefined) => 'live' | 'dead' | 'other';

/** Whether documents go that hold no value, only a lease: its fill is then refused. */
export type Leases = 'stay' | 'go';

export class MongoWalk {
  constructor(
    private readonly connection: MongoConnection,
    private readonly reader: MongoReader,
    private readonly serverClock: ServerClock,
    private readonly pace: Pace,
    private readonly tell: (problem: string) => void,
  ) {}

  /** A page of live keys of one shard; the cursor is the last id seen. */
  async page(shard: MongoShard, selection: Selection, after: string | undefined): Promise<Page> {
    const from = after === undefined ? undefined : shard.entry(storedId(after));
    const found = await this.find(shard, selection.view, from);
    const wanted = (await this.matching(found, selection)).filter(({ header }) => header !== undefined);
    const state = await this.stateFor(shard, wanted);
    const keys = wanted
      .filter(({ header }) => header !== undefined && this.isLive(header, state))
      .map(({ id }) => visibleKeyIn(id) ?? this.skip());
    const cursor = found.length < BATCH ? undefined : found.at(-1)?.id;
    return { keys: keys.filter((key) => key !== undefined), cursor };
  }

  /** Exact: every entry is looked at. */
  async usage(shard: MongoShard, view: View): Promise<Usage> {
    let entries = 0;
    let bytes = 0;
    for await (const batch of this.batches(shard, { view, match: EVERYTHING })) {
      const state = await this.stateFor(shard, batch);
      for (const { header } of batch) {
        if (header === undefined || !this.isLive(header, state)) continue;
        entries++;
        bytes += header.sizeBytes;
      }
    }
    return { entries, bytes };
  }

  /** Removes what the view covers, matches, and is judged so; how many live ones each portion of the walk removed. */
  async *remove(
    shard: MongoShard,
    selection: Selection,
    judge: Judgement,
    leases: Leases,
  ): AsyncGenerator<number, void> {
    for await (const batch of this.batches(shard, selection)) {
      let left: readonly Visited[] = batch;
      for (let tries = 0; left.length > 0 && tries < MAX_TRIES; tries++) {
        const [removed, isAll] = await this.removeSome(shard, left, judge, leases);
        yield removed;
        left = isAll
          ? []
          : await this.visit(
              shard,
              left.map(({ name }) => name),
            );
      }
    }
  }

  /** Removes documents by name, whatever stands in them; how many of them were live. */
  async evict(shard: MongoShard, ids: readonly KeyId[]): Promise<number> {
    const names = ids.map((id) => shard.entry(id));
    const visited = await this.visit(shard, names);
    const state = await this.stateFor(shard, visited);
    const live = visited.filter(({ header }) => header !== undefined && this.isLive(header, state));
    return this.connection.run(async (documents) => {
      const removed = live.length === 0 ? 0 : (await documents.deleteMany(asSeen(live))).deletedCount;
      await documents.deleteMany({ _id: { $in: names } });
      return removed;
    });
  }

  /** One document, in one step. */
  async evictOne(shard: MongoShard, id: KeyId): Promise<EntryHeader | undefined> {
    const projection = projectionOf(HEADER_FIELDS);
    const found = await this.connection.run((documents) =>
      documents.findOneAndDelete({ _id: shard.entry(id) }, { projection }),
    );
    return headerOf(found ?? undefined);
  }

  isLive(header: EntryHeader, state: ShardState | undefined): boolean {
    return (
      header.generation === state?.generation &&
      header.stamp >= requiredStamp(state, header.labels) &&
      this.serverClock.nowMs() < header.keptUntilMs
    );
  }

  /** How many live ones went, and whether everything went that had to. */
  private async removeSome(
    shard: MongoShard,
    visited: readonly Visited[],
    judge: Judgement,
    leases: Leases,
  ): Promise<[number, boolean]> {
    const state = await this.stateFor(shard, visited);
    const worthOf = ({ header }: Visited): ReturnType<Judgement> =>
      header === undefined ? (leases === 'go' ? 'dead' : 'other') : judge(header, state);
    const judged = visited.map((each) => ({ ...each, worth: worthOf(each) }));
    const live = judged.filter(({ worth }) => worth === 'live');
    const dead = judged.filter(({ worth }) => worth === 'dead');
    return this.connection.run(async (documents) => {
      const removed = live.length === 0 ? 0 : (await documents.deleteMany(asSeen(live))).deletedCount;
      const buried = dead.length === 0 ? 0 : (await documents.deleteMany(asSeen(dead))).deletedCount;
      return [removed, removed + buried === live.length + dead.length];
    });
  }

  private async *batches(shard: MongoShard, selection: Selection): AsyncGenerator<readonly Visited[]> {
    let after: string | undefined;
    do {
      const found = await this.find(shard, selection.view, after);
      after = found.length < BATCH ? undefined : found.at(-1)?.name;
      const wanted = await this.matching(found, selection);
      if (wanted.length > 0) yield wanted;
    } while (after !== undefined);
  }

  /** Keys may be long: a batch of them takes as many turns as it needs. */
  private matching(found: readonly Visited[], { view, match }: Selection): Promise<Visited[]> {
    const stepsOf = ({ id }: Visited): number => DOCUMENT_STEPS + stepsToTest(match, id.length);
    const isWanted = (id: KeyId): boolean => isInView(view, id) && (match.matchesAll || this.matches(match, id));
    return this.pace.filter(found, stepsOf, ({ id }) => isWanted(id));
  }

  private matches(match: Glob, id: KeyId): boolean {
    const key = visibleKeyIn(id) ?? this.skip();
    return key !== undefined && match.test(key);
  }

  /** Something else than this library has written it: one such name must not make listings fail for ever. */
  private skip(): undefined {
    this.tell(ALIEN);
  }

  private async find(shard: MongoShard, view: View, after: string | undefined): Promise<readonly Visited[]> {
    const projection = projectionOf(HEADER_FIELDS);
    const found = await this.connection.run((documents) =>
      documents
        .find(shard.within(view, after), { projection, sort: { _id: 1 }, limit: BATCH, batchSize: BATCH + 1 })
        .toArray(),
    );
    return found.map((each) => visitedOf(shard, each));
  }

  private async visit(shard: MongoShard, names: readonly string[]): Promise<readonly Visited[]> {
    const projection = projectionOf(HEADER_FIELDS);
    const found = await this.connection.run((documents) =>
      documents.find({ _id: { $in: [...names] } }, { projection, batchSize: names.length + 1 }).toArray(),
    );
    return found.map((each) => visitedOf(shard, each));
  }

  /** The state with the stamps of all labels that were seen. */
  private async stateFor(shard: MongoShard, visited: readonly Visited[]): Promise<ShardState | undefined> {
    const labels = [...new Set(visited.flatMap(({ header }) => header?.labels ?? []))];
    return visited.length === 0 ? undefined : this.reader.state(shard, labels);
  }
}

function visitedOf(shard: MongoShard, document: Stored): Visited {
  const name = document._id;
  return { name, id: storedId(shard.idOf(name)), header: headerOf(document) };
}

/** Those documents, as long as they hold what was seen. A mark stands for one value in one document ever. */
function asSeen(visited: readonly Visited[]): { _id: { $in: string[] }; m: { $in: (string | null)[] } } {
  return {
    _id: { $in: visited.map(({ name }) => name) },
    m: { $in: visited.map(({ header }) => header?.mark ?? null) },
  };
}
