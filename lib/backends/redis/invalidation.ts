import type { Selection } from '../../core/backend.js';
import type { Change } from '../../core/bus.js';
import type { Clock } from '../../core/clock.js';
import { MAX_HEADER_BYTES } from '../../core/codec.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import { WHOLE_SHARD } from '../../core/keys/space.js';
import { Clearing, type Tick } from '../remote/clearing.js';
import type { StoredHeader } from '../remote/index-scan.js';
import type { ServerClock } from '../remote/server-clock.js';
import type { ShardState } from '../remote/shard-state.js';
import type { EntryOpener } from '../remote/stored-entry.js';
import { chunks, sum } from '../shared/batches.js';
import type { Invalidation } from '../shared/invalidation.js';
import type { ChangePublisher } from './change-publisher.js';
import type { RedisPool } from './connection/pool.js';
import { TurnEvictions } from './evictions.js';
import { text } from './connection/reply.js';
import { storedHeader, type RedisIndex, type RedisScan } from './index-scan.js';
import { stateOf } from './reader.js';
import { EVICT } from './scripts/evict.js';
import { INVALIDATE } from './scripts/invalidate.js';
import { Shard, type RedisShards } from './shards.js';
import { DIFFERED, PUT_BACK } from './state-watch.js';

/** Keys of one script, so that no script holds up the server for long. */
const BATCH = 200;
/** Labels that a script of evictions is asked for. */
const MOST_EXPECTED = 1_000;
const WIDENED =
  'the server has displaced the index of a tenant: a pattern could not find all that it means, so everything of that tenant was invalidated';
const NO_LABELS: readonly Label[] = Object.freeze([]);
/** As INVALIDATE knows them. */
const KINDS = Object.freeze({ labels: 'label', everything: 'f', pattern: 'p' } as const);

type Kind = keyof typeof KINDS;

interface InvalidationParts {
  readonly pool: RedisPool;
  readonly shards: RedisShards;
  readonly scan: RedisScan;
  readonly index: Pick<RedisIndex, 'isWhole'>;
  readonly warn: (problem: string) => void;
  readonly opener: EntryOpener;
  readonly serverClock: ServerClock;
  readonly publisher: ChangePublisher;
  readonly clock: Clock;
  /** The master that keeps a shard, in a cluster. */
  readonly ownerOf?: ((shard: Shard) => string) | undefined;
  /** How long a clear counts what it removes before it answers with what it has counted. */
  readonly countingMs: number;
}

/**
 * Removals. The first step of each makes everything it means invalid, in one script per shard; what follows tidies up
 * and counts what was live when it began. With several shards a removal has settled when all of them have answered.
 */
export class RedisInvalidation {
  readonly clearing: Clearing<Shard>;
  private readonly evictions: TurnEvictions;

  constructor(private readonly parts: InvalidationParts) {
    const { scan, pool } = parts;
    this.evictions = new TurnEvictions(pool, BATCH, (shard, keys) => this.evictSome(shard, keys));
    this.clearing = new Clearing({
      ...parts,
      empty: 'dead',
      tick: (shard, labels, kind) => this.tick(shard, kind, labels),
      tickAll: (tick, counts, owner) => this.tickAll(tick, counts, owner),
      remove: (shard, selection, removal) => scan.remove(shard, selection, removal),
    });
  }

  async evict(keys: readonly Key[]): Promise<number> {
    const batches = [...this.parts.shards.group(keys)].flatMap(([shard, all]) =>
      chunks(all, BATCH).map((some) => this.evictions.evict(shard, some)),
    );
    return sum(await Promise.all(batches));
  }

  /**
   * Fills under way are voided first: they are not in the index yet and might match. Behind the walk it is asked whether the
   * index still names everything: of one that the server displaced, before or in the middle of it, only a part was walked.
   * Then the whole shard goes.
   */
  async removeMatching(selection: Selection, owner?: string): Promise<number> {
    const beganAtMs = this.parts.serverClock.nowMs();
    const counts = this.clearing.shardsOf(selection.view.partition, owner).map(async (shard) => {
      const tick = await this.tick(shard, 'pattern', NO_LABELS);
      if (tick === undefined) return 0;
      let removed = 0;
      for await (const some of this.clearing.tidy(tick, selection, beganAtMs, true)) removed += some;
      if (!(await this.parts.index.isWhole(shard))) {
        this.parts.warn(WIDENED);
        await this.tick(shard, 'everything', NO_LABELS);
      }
      return removed;
    });
    return sum(await Promise.all(counts));
  }

  /** What of an invalidation concerns one master of a cluster. */
  async applyAt(owner: string, invalidation: Invalidation, counts: boolean): Promise<number> {
    const { clearing } = this;
    switch (invalidation.kind) {
      case 'evict':
        return this.evict(invalidation.keys.filter((key) => this.parts.ownerOf?.(this.parts.shards.of(key)) === owner));
      case 'invalidate':
        await clearing.invalidate(invalidation.partition, invalidation.labels, owner);
        return 0;
      case 'clear':
        return clearing.clear(invalidation.view, counts, owner);
      case 'matching':
        return this.removeMatching(invalidation.selection, owner);
      case 'namespace':
        return clearing.clearEverything(invalidation.view, counts, owner);
      case 'everything':
        return clearing.clearEverything(WHOLE_SHARD, counts, owner);
    }
  }

  /**
   * Every shard of this prefix, found by the names of their meta hashes and state strings, of which either may outlive the
   * other: the one place that goes through a keyspace.
   * @param owner only what this master of a cluster keeps
   */
  async *everyShard(owner?: string): AsyncGenerator<Shard> {
    const seen = new Set<string>();
    for await (const name of this.parts.pool.pick().scanKeys(`${this.parts.shards.lead}{*}:[ms]`, owner)) {
      const lead = name.slice(0, -1);
      if (seen.has(lead)) continue;
      seen.add(lead);
      yield new Shard(lead);
    }
  }

  private async tickAll(
    tick: (shard: Shard) => Promise<Tick<Shard> | undefined>,
    counts: boolean,
    owner: string | undefined,
  ): Promise<readonly (Tick<Shard> | undefined)[]> {
    const ticked: (Tick<Shard> | undefined)[] = [];
    let some: Shard[] = [];
    const tickSome = async (): Promise<void> => {
      const ticks = await Promise.all(some.map(tick));
      if (counts) ticked.push(...ticks);
      some = [];
    };
    for await (const shard of this.everyShard(owner)) if (some.push(shard) >= BATCH) await tickSome();
    await tickSome();
    return ticked;
  }

  /** Of each whether a live entry stood there. */
  private async evictSome(shard: Shard, keys: readonly Key[]): Promise<readonly boolean[]> {
    const { pool, opener, publisher } = this.parts;
    const ids = keys.map(({ id }) => id);
    const labels = [...new Set(keys.flatMap((key) => key.labels))];
    // Lua takes a few thousand arguments at once: beyond these, the labels of what was live are asked for afterwards.
    const expected = labels.length > MOST_EXPECTED ? [] : labels;
    const names = ids.flatMap((id) => [shard.entry(id), shard.lease(id)]);
    const told = publisher.of(shard, { kind: 'evicted', keys: ids.map((id) => fingerprint(id)) });
    const reply = (await pool.run(
      EVICT,
      [shard.meta, shard.index, shard.expiries, ...names, ...told.keys],
      [...told.args, MAX_HEADER_BYTES, expected.length, ...expected, ...ids],
    )) as unknown[];
    const heads = reply[2] as Buffer[];
    const found = heads.map((head, at) => storedHeader(opener.peek(ids[at] as Key['id'], head)));
    const standing = found.filter((header) => header !== undefined);
    if (standing.length === 0) return found.map(() => false);
    const [generation, minimumStamp] = [text(reply[0]), text(reply[1])];
    const said = stateOf([generation, minimumStamp, ...(reply[3] as unknown[]).map(text)], expected);
    const isKnown = standing.every(({ labels }) => labels.every((label) => said.stamps.has(label)));
    const state = isKnown ? said : await this.stateFor(shard, standing);
    return found.map((header) => header !== undefined && this.parts.scan.isLive(header, state));
  }

  private async stateFor(shard: Shard, headers: readonly StoredHeader[]): Promise<ShardState> {
    const labels = [...new Set(headers.flatMap((header) => header.labels))];
    return stateOf(await this.parts.pool.pick().fields(shard.meta, ['i', 'f', ...labels]), labels);
  }

  /** Undefined: the shard has no meta hash (any more), so nothing in it is valid. */
  private async tick(shard: Shard, kind: Kind, labels: readonly Label[]): Promise<Tick<Shard> | undefined> {
    const told = this.parts.publisher.of(shard, changeOf(kind, labels));
    const keys = [shard.meta, shard.labels, shard.state, ...told.keys];
    const reply = (await this.parts.pool.run(INVALIDATE, keys, [...told.args, KINDS[kind], ...labels])) as unknown[];
    const [generation, clock, minimumStamp] = reply.slice(0, 3).map(text) as [string, string, string];
    if (generation === '') {
      if (Number(clock) === DIFFERED) this.parts.warn(PUT_BACK);
      return undefined;
    }
    const before = reply[3] as unknown[];
    const stamps = new Map(labels.map((label, at) => [label, Number(text(before[at]))]));
    return { shard, generation, clock: Number(clock), minimumStamp: Number(minimumStamp), stamps };
  }
}

/** A pattern by itself changes nothing yet, but it takes a number. */
function changeOf(kind: Kind, labels: readonly Label[]): Change {
  if (kind === 'everything') return { kind: 'all' };
  return kind === 'labels' ? { kind: 'labels', labels } : { kind: 'evicted', keys: [] };
}
