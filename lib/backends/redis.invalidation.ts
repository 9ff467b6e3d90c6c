import type { Selection } from '../core/backend.js';
import { MAX_HEADER_BYTES, type Header } from '../core/codec.js';
import { compileGlob } from '../core/glob.js';
import type { Key } from '../core/key.js';
import type { Label } from '../core/label.js';
import type { Partition, View } from '../core/space.js';
import type { ServerClock } from './redis.clock.js';
import type { EntryOpener } from './redis.entry.js';
import type { RedisLink } from './redis.link.js';
import { viewOf, type ShardView } from './redis.reader.js';
import { chunks, sum, text } from './redis.reply.js';
import { EVICT, INVALIDATE } from './redis.scripts.removal.js';
import { Shard, type ShardMap } from './redis.shard.js';
import type { Judgement, RedisWalk } from './redis.walk.js';

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
  readonly incarnation: string;
  readonly clock: number;
  /** The floor before. */
  readonly floor: number;
  /** The stamps of the labels before. */
  readonly stamps: readonly number[];
}

interface InvalidationParts {
  readonly link: RedisLink;
  readonly shards: ShardMap;
  readonly walk: RedisWalk;
  readonly opener: EntryOpener;
  readonly serverClock: ServerClock;
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

  async clear(view: View, hasIndex: boolean): Promise<number> {
    const beganAtMs = this.parts.serverClock.nowMs();
    const kind = view.label === undefined ? 'f' : 'label';
    const labels = view.label === undefined ? [] : [view.label];
    const shards = this.parts.shards.all(view.partition);
    const ticked = await Promise.all(shards.map((shard) => this.tick(shard, kind, labels)));
    if (!hasIndex) return 0;
    const counts = ticked.map((tick) => this.tidy(tick, { view, match: EVERYTHING }, beganAtMs).catch(notCounted));
    return sum(await Promise.all(counts));
  }

  /**
   * Fills under way are voided first: they are not in the index yet and might match. An index that has lost its mark
   * (the server displaced it) cannot be trusted to be complete; then the whole shard goes.
   */
  async removeMatching(selection: Selection): Promise<number> {
    const beganAtMs = this.parts.serverClock.nowMs();
    const counts = this.parts.shards.all(selection.view.partition).map(async (shard) => {
      const tick = await this.tick(shard, 'p', []);
      if (tick.incarnation === '') return 0;
      const isWhole = await this.isIndexWhole(shard);
      const removed = await this.tidy(tick, selection, beganAtMs);
      if (!isWhole) await this.tick(shard, 'f', []);
      return removed;
    });
    return sum(await Promise.all(counts));
  }

  /** Every shard of this prefix, found by the names of their meta hashes: the one place that walks a keyspace. */
  async clearEverything(): Promise<number> {
    const beganAtMs = this.parts.serverClock.nowMs();
    const view: View = { partition: '' as Partition, path: undefined, namespace: undefined, label: undefined };
    let removed = 0;
    for await (const shard of this.everyShard()) {
      const tick = await this.tick(shard, 'f', []);
      removed += await this.tidy(tick, { view, match: EVERYTHING }, beganAtMs).catch(notCounted);
    }
    return removed;
  }

  async *everyShard(): AsyncGenerator<Shard> {
    const seen = new Set<string>();
    for await (const meta of this.parts.link.pick().scanKeys(`${this.parts.shards.lead}{*}:m`)) {
      if (seen.has(meta)) continue;
      seen.add(meta);
      yield new Shard(meta.slice(0, -1));
    }
  }

  private async evictSome(shard: Shard, keys: readonly Key[]): Promise<number> {
    const { link, opener } = this.parts;
    const ids = keys.map(({ id }) => id);
    const expected = [...new Set(keys.flatMap((key) => key.labels))];
    const names = ids.flatMap((id) => [shard.entry(id), shard.lease(id)]);
    const reply = (await link.run(
      EVICT,
      [shard.meta, shard.index, shard.expiries, ...names],
      [MAX_HEADER_BYTES - 1, expected.length, ...expected, ...ids],
    )) as unknown[];
    const heads = reply[2] as Buffer[];
    const standing = heads.flatMap((head, at) => opener.peek(ids[at] as Key['id'], head) ?? []);
    if (standing.length === 0) return 0;
    const [incarnation, floor] = [text(reply[0]), text(reply[1])];
    const told = viewOf([incarnation, floor, ...(reply[3] as unknown[]).map(text)], expected);
    const isKnown = standing.every(({ labels }) => labels.every((label) => told.stamps.has(label)));
    const state = isKnown ? told : await this.stateOf(shard, standing);
    return standing.filter((header) => this.parts.walk.isLive(header, state)).length;
  }

  private async stateOf(shard: Shard, headers: readonly Header[]): Promise<ShardView> {
    const labels = [...new Set(headers.flatMap((header) => header.labels))];
    return viewOf(await this.parts.link.pick().fields(shard.meta, ['i', 'f', ...labels]), labels);
  }

  private async tick(shard: Shard, kind: 'label' | 'f' | 'p', labels: readonly Label[]): Promise<Ticked> {
    const keys = [shard.meta, shard.labels];
    const reply = (await this.parts.link.run(INVALIDATE, keys, [kind, ...labels])) as unknown[];
    const stamps = (reply[3] as unknown[]).map((stamp) => Number(text(stamp)));
    return { shard, incarnation: text(reply[0]), clock: Number(text(reply[1])), floor: Number(text(reply[2])), stamps };
  }

  private async tidy(tick: Ticked, selection: Selection, beganAtMs: number): Promise<number> {
    if (tick.incarnation === '') return 0;
    return this.parts.walk.remove(tick.shard, selection, this.judgement(tick, selection.view.label, beganAtMs));
  }

  /**
   * Live before the tick: what the tick itself set, and whatever came after, does not count against it. Of what was dead
   * before, only what has been for long is removed.
   */
  private judgement(tick: Ticked, own: Label | undefined, beganAtMs: number): Judgement {
    return (header, state) => {
      if (header.incarnation !== tick.incarnation) return header.incarnation === state.incarnation ? 'other' : 'dead';
      if (header.stamp >= tick.clock) return 'other';
      if (beganAtMs >= header.freshUntilServerMs + header.graceMs) return 'dead';
      let killedAt = Infinity;
      const consider = (stamp: number): void => {
        if (stamp > header.stamp && stamp < tick.clock) killedAt = Math.min(killedAt, stamp);
      };
      consider(tick.floor);
      for (const label of header.labels) {
        consider(label === own ? (tick.stamps[0] ?? 0) : (state.stamps.get(label) ?? 0));
      }
      if (killedAt === Infinity) return 'live';
      return killedAt < tick.clock - ABANDONED_US ? 'dead' : 'other';
    };
  }

  private async isIndexWhole(shard: Shard): Promise<boolean> {
    const connection = this.parts.link.pick();
    const [mark, [, begun]] = await Promise.all([
      connection.command('ZSCORE', shard.index, '!'),
      connection.fields(shard.meta, ['i', 'x']),
    ]);
    return mark !== null || begun === null;
  }
}

/** The removal itself has settled; what could not be counted is invalid all the same, and expires. */
function notCounted(): number {
  return 0;
}
