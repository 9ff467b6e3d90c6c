/**
 * Walks over the index of shards: listing, counting, and tidying up what has been invalidated. The index is ordered by
 * id, so the entries of a space lie together and a walk costs what it visits, not what the shard holds.
 */
import type { Page, Selection, Usage } from '../../core/backend.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import { MAX_HEADER_BYTES, type Header } from '../../core/codec.js';
import { compileGlob, stepsToTest, type Glob } from '../../core/keys/glob.js';
import { isInView } from '../../core/keys/in-view.js';
import { storedId, visibleKeyIn, type KeyId } from '../../core/keys/key.js';
import type { Pace } from '../../core/async/pace.js';
import type { View } from '../../core/keys/space.js';
import type { ChangePublisher } from './change-publisher.js';
import { pageOf } from '../remote/index-scan.js';
import type { ServerClock } from '../remote/server-clock.js';
import { markOf, type EntryOpener } from '../remote/stored-entry.js';
import type { RedisPool } from './connection/pool.js';
import { requiredStamp, viewOf, type ShardView } from './reader.js';
import { isOfAnotherType, text } from './connection/reply.js';
import { REMOVE } from './scripts/remove.js';
import { VISIT } from './scripts/visit.js';
import type { Shard } from './shards.js';

const BATCH = 200;
/** Steps for an id, and for the head of what stands there. */
const ID_STEPS = 50;
/** An entry that changes each time it is to be removed is left after so many tries: something stores it anew. */
const MAX_TRIES = 8;
const EVERYTHING = compileGlob('*');
/** What walks say about what they leave out. */
const ALIEN =
  'something that this library has not written stands among its keys; it is left out of listings and patterns, and goes with clear()';
/** Sorts after every id: they are ASCII. */
const AFTER_ALL = '\u00ff';

/** One id of the index with what stands there now. */
interface Visited {
  readonly id: KeyId;
  readonly header: Header | undefined;
  readonly mark: Buffer;
  readonly sizeBytes: number;
}

/** What a walk does with an entry: `live` goes and counts, `dead` goes, `other` stays. */
export type Judgement = (header: Header, state: ShardView) => 'live' | 'dead' | 'other';

export class RedisWalk {
  constructor(
    private readonly pool: RedisPool,
    private readonly opener: EntryOpener,
    private readonly serverClock: ServerClock,
    private readonly publisher: ChangePublisher,
    private readonly pace: Pace,
    private readonly tell: (problem: string) => void,
  ) {}

  /** A page of live keys. */
  scan(shards: readonly Shard[], selection: Selection, cursor: string | undefined): Promise<Page> {
    return pageOf(shards, cursor, (shard, after) => this.page(shard, selection, after));
  }

  /** The cursor is the last id seen. */
  private async page(shard: Shard, { view, match }: Selection, after: string | undefined): Promise<Page> {
    const ids = await this.ids(shard, view, after);
    const wanted = await this.matching(ids, { view, match });
    const [visited, state] = await this.visit(shard, wanted);
    const keys = visited
      .filter(({ header }) => header !== undefined && this.isLive(header, state))
      .map(({ id }) => visibleKeyIn(id) ?? this.skip());
    return { keys: keys.filter((key) => key !== undefined), cursor: ids.length < BATCH ? undefined : ids.at(-1) };
  }

  /** Exact: every entry is looked at. */
  async usage(shard: Shard, view: View): Promise<Usage> {
    let entries = 0;
    let bytes = 0;
    for await (const ids of this.batches(shard, { view, match: EVERYTHING })) {
      const [visited, state] = await this.visit(shard, ids);
      for (const { header, sizeBytes } of visited) {
        if (header === undefined || !this.isLive(header, state)) continue;
        entries++;
        bytes += sizeBytes;
      }
    }
    return { entries, bytes };
  }

  /** Removes what the view covers, matches, and is judged so; how many live ones each portion of the walk removed. */
  async *remove(shard: Shard, selection: Selection, judge: Judgement, isTold: boolean): AsyncGenerator<number, void> {
    for await (const ids of this.batches(shard, selection)) {
      let left: readonly KeyId[] = ids;
      for (let tries = 0; left.length > 0 && tries < MAX_TRIES; tries++) {
        const [removed, changed] = await this.removeSome(shard, left, judge, isTold);
        yield removed;
        left = changed;
      }
    }
  }

  isLive(header: Header, state: ShardView): boolean {
    return (
      header.generation === state.generation &&
      header.stamp >= requiredStamp(state, header.labels) &&
      this.serverClock.nowMs() < header.freshUntilServerMs + header.graceMs
    );
  }

  /** How many live ones went, and which have changed between the look at them and their removal. */
  private async removeSome(
    shard: Shard,
    ids: readonly KeyId[],
    judge: Judgement,
    isTold: boolean,
  ): Promise<[number, readonly KeyId[]]> {
    const [visited, state] = await this.visit(shard, ids);
    const judged = visited
      .map((each) => ({ ...each, worth: each.header === undefined ? 'dead' : judge(each.header, state) }))
      .filter(({ worth }) => worth !== 'other');
    if (judged.length === 0) return [0, []];
    const { publisher } = this;
    const told = isTold
      ? publisher.of(shard, { kind: 'evicted', keys: judged.map(({ id }) => fingerprint(id)) })
      : publisher.silently();
    const keys = [shard.index, shard.expiries, shard.meta, ...judged.map(({ id }) => shard.entry(id)), ...told.keys];
    const args = [...told.args, ...judged.flatMap(({ id, mark }) => [bytesOf(id), mark])];
    const outcomes = ((await this.pool.run(REMOVE, keys, args)) as unknown[]).map(Number);
    const live = judged.filter(({ worth }, at) => worth === 'live' && outcomes[at] === 1).length;
    return [live, judged.filter((_, at) => outcomes[at] === 2).map(({ id }) => id)];
  }

  private async *batches(shard: Shard, selection: Selection): AsyncGenerator<readonly KeyId[]> {
    let after: string | undefined;
    do {
      const ids = await this.ids(shard, selection.view, after);
      after = ids.length < BATCH ? undefined : ids.at(-1);
      const wanted = await this.matching(ids, selection);
      if (wanted.length > 0) yield wanted;
    } while (after !== undefined);
  }

  /** Keys may be long: a batch of them takes as many turns as it needs. */
  private matching(ids: readonly KeyId[], { view, match }: Selection): Promise<KeyId[]> {
    const stepsOf = ({ length }: KeyId): number => ID_STEPS + stepsToTest(match, length);
    return this.pace.filter(ids, stepsOf, (id) => isInView(view, id) && (match.matchesAll || this.matches(match, id)));
  }

  private matches(match: Glob, id: KeyId): boolean {
    const key = visibleKeyIn(id) ?? this.skip();
    return key !== undefined && match.test(key);
  }

  /** Something else than this library has written it: one such name must not make listings fail for ever. */
  private skip(): undefined {
    this.tell(ALIEN);
  }

  /** Ids in their order, after the last one seen. A view of a tenant also covers `u.tenant.…`, which sorts elsewhere, so only the path of a user narrows the range. */
  private async ids(shard: Shard, { path, namespace = '' }: View, after: string | undefined): Promise<KeyId[]> {
    const lead = path === undefined ? undefined : `${path}/${namespace}`;
    const from = after !== undefined ? bytesOf(`(${after}`) : lead === undefined ? '(!' : `[${lead}`;
    const to = lead === undefined ? '+' : `(${lead}${AFTER_ALL}`;
    const range = ['ZRANGEBYLEX', shard.index, from, to, 'LIMIT', 0, BATCH] as const;
    try {
      const found = (await this.pool.pick().command(...range)) as Buffer[];
      return found.map((id) => storedId(text(id)));
    } catch (error) {
      if (!isOfAnotherType(error)) throw error;
      // The next entry that is stored puts an index in its place.
      this.tell(ALIEN);
      return [];
    }
  }

  private async visit(shard: Shard, ids: readonly KeyId[]): Promise<[readonly Visited[], ShardView]> {
    if (ids.length === 0) return [[], viewOf([], [])];
    const keys = ids.map((id) => shard.entry(id));
    const reply = (await this.pool.run(VISIT, keys, [MAX_HEADER_BYTES])) as unknown[];
    const headOf = (at: number): Buffer => reply[at * 2] as Buffer;
    const stepsOf = (_: KeyId, at: number): number => ID_STEPS + headOf(at).length;
    const visited = await this.pace.each(ids, stepsOf, (id, at) => {
      const head = headOf(at);
      return { id, header: this.opener.peek(id, head), mark: markOf(head), sizeBytes: Number(reply[at * 2 + 1]) };
    });
    const labels = [...new Set(visited.flatMap(({ header }) => header?.labels ?? []))];
    const fields = await this.pool.pick().fields(shard.meta, ['i', 'f', ...labels]);
    return [visited, viewOf(fields, labels)];
  }
}

/** A name as it was read, byte for byte: one that is not ours need not be text. */
function bytesOf(name: string): Buffer {
  return Buffer.from(name, 'latin1');
}
