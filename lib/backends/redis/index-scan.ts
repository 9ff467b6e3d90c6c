/** The index of shards: a sorted set of ids in their order, with what stands under each of them now. */
import { MAX_HEADER_BYTES, type Header } from '../../core/codec.js';
import type { Pace } from '../../core/async/pace.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import { storedId, type KeyId } from '../../core/keys/key.js';
import type { View } from '../../core/keys/space.js';
import type { IndexScan, ScanSource, StoredHeader, Visited } from '../remote/index-scan.js';
import type { ShardState } from '../remote/shard-state.js';
import { markOf, type EntryOpener } from '../remote/stored-entry.js';
import type { ChangePublisher } from './change-publisher.js';
import type { RedisPool } from './connection/pool.js';
import { isOfAnotherType, text } from './connection/reply.js';
import { stateOf } from './reader.js';
import { REMOVE } from './scripts/remove.js';
import { VISIT } from './scripts/visit.js';
import type { Shard } from './shards.js';

/** Steps for an id, and for the head of what stands there. */
const ID_STEPS = 50;
/** What is said about what a scan leaves out. */
const ALIEN =
  'something that this library has not written stands among its keys; it is left out of listings and patterns, and goes with clear()';
const DISPLACED =
  'the server has displaced the index of a tenant: listings and counts leave out what was stored before, until that tenant is cleared or a pattern is removed';
/** Sorts after every id: they are ASCII. */
const AFTER_ALL = '\u00ff';

interface Listed {
  readonly id: KeyId;
}

interface RedisVisited extends Visited {
  readonly mark: Buffer;
}

interface RedisIndexParts {
  readonly pool: RedisPool;
  readonly opener: EntryOpener;
  readonly publisher: ChangePublisher;
}

export class RedisIndex implements ScanSource<Shard, Listed, RedisVisited> {
  readonly batch = 200;
  readonly steps = ID_STEPS;

  constructor(
    private readonly parts: RedisIndexParts,
    private readonly pace: Pace,
    private readonly tell: (problem: string) => void,
  ) {}

  /** A view of a tenant also covers `u.tenant.…`, which sorts elsewhere, so only the path of a user narrows the range. */
  async find(shard: Shard, { path, namespace = '' }: View, after: KeyId | undefined): Promise<readonly Listed[]> {
    const lead = path === undefined ? undefined : `${path}/${namespace}`;
    const from = after !== undefined ? bytesOf(`(${after}`) : lead === undefined ? '(!' : `[${lead}`;
    const to = lead === undefined ? '+' : `(${lead}${AFTER_ALL}`;
    const range = ['ZRANGEBYLEX', shard.index, from, to, 'LIMIT', 0, this.batch] as const;
    try {
      const found = (await this.parts.pool.pick().command(...range)) as Buffer[];
      return found.map((id) => ({ id: storedId(text(id)) }));
    } catch (error) {
      if (!isOfAnotherType(error)) throw error;
      // The next entry that is stored puts an index in its place.
      this.onAlien();
      return [];
    }
  }

  async visit(shard: Shard, found: readonly Listed[]): Promise<readonly [readonly RedisVisited[], ShardState]> {
    if (found.length === 0) return [[], stateOf([], [])];
    const { pool, opener } = this.parts;
    const keys = found.map(({ id }) => shard.entry(id));
    const reply = (await pool.run(VISIT, keys, [MAX_HEADER_BYTES])) as unknown[];
    const headOf = (at: number): Buffer => reply[at * 2] as Buffer;
    const stepsOf = (_: Listed, at: number): number => ID_STEPS + headOf(at).length;
    const visited = await this.pace.each(found, stepsOf, ({ id }, at) => {
      const head = headOf(at);
      const header = storedHeader(opener.peek(id, head));
      return { id, header, mark: markOf(head), sizeBytes: Number(reply[at * 2 + 1]) };
    });
    const labels = [...new Set(visited.flatMap(({ header }) => header?.labels ?? []))];
    const fields = await pool.pick().fields(shard.meta, ['i', 'f', ...labels]);
    return [visited, stateOf(fields, labels)];
  }

  async remove(
    shard: Shard,
    live: readonly RedisVisited[],
    dead: readonly RedisVisited[],
    isTold: boolean,
  ): Promise<readonly [number, readonly Listed[]]> {
    const { pool, publisher } = this.parts;
    const removed = [...live, ...dead];
    const told = isTold
      ? publisher.of(shard, { kind: 'evicted', keys: removed.map(({ id }) => fingerprint(id)) })
      : publisher.silently();
    const keys = [shard.index, shard.expiries, shard.meta, ...removed.map(({ id }) => shard.entry(id)), ...told.keys];
    const args = [...told.args, ...removed.flatMap(({ id, mark }) => [bytesOf(id), mark])];
    const outcomes = ((await pool.run(REMOVE, keys, args)) as unknown[]).map(Number);
    return [
      live.filter((_, at) => outcomes[at] === 1).length,
      removed.filter((_, at) => outcomes[at] === 2).map(({ id }) => ({ id })),
    ];
  }

  /**
   * Whether it names everything that is stored. One that was displaced comes back without its mark, and has it again when
   * nothing older is valid: so one that is whole behind a walk was whole all along.
   */
  async isWhole(shard: Shard): Promise<boolean> {
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

  async walked(shard: Shard): Promise<void> {
    if (!(await this.isWhole(shard))) this.tell(DISPLACED);
  }

  onAlien(): void {
    this.tell(ALIEN);
  }
}

export type RedisScan = IndexScan<Shard, Listed, RedisVisited>;

/** Undefined: no value. */
export function storedHeader(header: Header | undefined): StoredHeader | undefined {
  if (header === undefined) return undefined;
  const { generation, stamp, labels, freshUntilServerMs, graceMs } = header;
  return { generation, stamp, labels, keptUntilMs: freshUntilServerMs + graceMs };
}

/** A name as it was read, byte for byte: one that is not ours need not be text. */
function bytesOf(name: string): Buffer {
  return Buffer.from(name, 'latin1');
}
