import type { Selection } from '../core/backend.js';
import { MAX_HEADER_BYTES, type Codec, type Header } from '../core/codec.js';
import { compileGlob } from '../core/glob.js';
import type { Key } from '../core/key.js';
import type { Label } from '../core/label.js';
import type { Partition, View } from '../core/space.js';
import type { RedisLink } from './redis.client.js';
import { peekStored, type ServerClock } from './redis.entry.js';
import { viewOf, type ShardView } from './redis.reader.js';
import { nonce, text } from './redis.reply.js';
import { EVICT, INVALIDATE } from './redis.scripts.js';
import { Shard, type ShardMap } from './redis.shard.js';
import type { RedisWalk } from './redis.walk.js';

const EVERYTHING = compileGlob('*');
/** Keys of one script, so that no script holds up the server for long. */
const BATCH = 200;

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

/**
 * Removals. The first step of each makes everything it means invalid, in one script per shard; what follows tidies up
 * and counts what was live when it began. With several shards a removal has settled when all of them have answered.
 */
export class RedisInvalidation {
  constructor(
    private readonly link: RedisLink,
    private readonly shards: ShardMap,
    private readonly walk: RedisWalk,
    private readonly codec: Codec,
    private readonly serverClock: ServerClock,
  ) {}

  async evict(keys: readonly Key[]): Promise<number> {
    const byShard = new Map<Shard, Key[]>();
    for (const key of keys) {
      const shard = this.shards.of(key.space.partition, key.id);
      byShard.set(shard, [...(byShard.get(shard) ?? []), key]);
    }
    const batches = [...byShard].flatMap(([shard, all]) =>
      chunks(all, BATCH).map((some) => this.evictSome(shard, some)),
    );
    return sum(await Promise.all(batches));
  }

  async invalidate(partition: Partition, labels: readonly Label[]): Promise<void> {
    await Promise.all(this.shards.all(partition).map((shard) => this.tick(shard, 'label', labels)));
  }

  async clear(view: View, hasIndex: boolean): Promise<number> {
    const beganAtMs = this.serverClock.nowMs();
    const { label } = view;
    const kind = label === undefined ? 'f' : 'label';
    const ticked = await Promise.all(
      this.shards.all(view.partition).map((shard) => this.tick(shard, kind, label === undefined ? [] : [label])),
    );
    if (!hasIndex) return 0;
    return sum(await Promise.all(ticked.map((tick) => this.tidy(tick, { view, match: EVERYTHING }, beganAtMs))));
  }

  /**
   * Fills under way are voided first: they are not in the index yet and might match. An index that has lost its mark
   * (the server displaced it) cannot be trusted to be complete; then the whole shard goes.
   */
  async removeMatching(selection: Selection): Promise<number> {
    const beganAtMs = this.serverClock.nowMs();
    const counts = this.shards.all(selection.view.partition).map(async (shard) => {
      const tick = await this.tick(shard, 'p', []);
      const isWhole = await this.isIndexWhole(shard);
      const removed = await this.tidy(tick, selection, beganAtMs);
      if (!isWhole) await this.tick(shard, 'f', []);
      return removed;
    });
    return sum(await Promise.all(counts));
  }

  /** Every shard of this prefix, found by the names of their meta hashes: the one place that walks a keyspace. */
  async clearEverything(): Promise<number> {
    const beganAtMs = this.serverClock.nowMs();
    let removed = 0;
    for await (const meta of this.link.scanKeys(`${this.shards.lead}{*}:m`)) {
      const tick = await this.tick(new Shard(meta.slice(0, -1)), 'f', []);
      const view: View = { partition: '' as Partition, path: undefined, namespace: undefined, label: undefined };
      removed += await this.tidy(tick, { view, match: EVERYTHING }, beganAtMs);
    }
    return removed;
  }

  private async evictSome(shard: Shard, keys: readonly Key[]): Promise<number> {
    const names = keys.flatMap(({ id }) => [shard.entry(id), shard.lease(id)]);
    const ids = keys.map(({ id }) => id);
    const reply = (await this.link.run(
      EVICT,
      [shard.meta, shard.index, shard.expiries, ...names],
      [nonce(), MAX_HEADER_BYTES - 1, ...ids],
    )) as unknown[];
    const heads = reply[3] as Buffer[];
    const headers = heads.map((head, at) =>
      head.length === 0 ? undefined : peekStored(this.codec, ids[at] as Key['id'], head),
    );
    const standing = headers.filter((header) => header !== undefined);
    if (standing.length === 0) return 0;
    const tick: Ticked = {
      shard,
      incarnation: text(reply[0]),
      clock: Number(text(reply[1])),
      floor: Number(text(reply[2])),
      stamps: [],
    };
    const labels = [...new Set(standing.flatMap((header) => header.labels))];
    const state = viewOf(await this.link.fields(shard.meta, ['i', 'f', ...labels]), labels);
    return standing.filter((header) => this.wasLive(header, state, tick, undefined, this.serverClock.nowMs())).length;
  }

  private async tick(shard: Shard, kind: 'label' | 'f' | 'p', labels: readonly Label[]): Promise<Ticked> {
    const reply = (await this.link.run(INVALIDATE, [shard.meta], [nonce(), kind, ...labels])) as unknown[];
    const stamps = (reply[3] as unknown[]).map((stamp) => Number(text(stamp)));
    return { shard, incarnation: text(reply[0]), clock: Number(text(reply[1])), floor: Number(text(reply[2])), stamps };
  }

  private tidy(tick: Ticked, selection: Selection, beganAtMs: number): Promise<number> {
    const { label } = selection.view;
    return this.walk.remove(tick.shard, selection, tick.clock, (header, state) =>
      this.wasLive(header, state, tick, label, beganAtMs),
    );
  }

  /** Live before the tick: what the tick itself set, and whatever came after, does not count against it. */
  private wasLive(header: Header, state: ShardView, tick: Ticked, own: Label | undefined, nowMs: number): boolean {
    const isAfter = (stamp: number): boolean => stamp > header.stamp && stamp < tick.clock;
    const stampBefore = (label: Label): number =>
      label === own ? (tick.stamps[0] ?? 0) : (state.stamps.get(label) ?? 0);
    return (
      header.incarnation === tick.incarnation &&
      header.stamp < tick.clock &&
      !isAfter(tick.floor) &&
      !header.labels.some((label) => isAfter(stampBefore(label))) &&
      nowMs < header.freshUntilServerMs + header.graceMs
    );
  }

  private async isIndexWhole(shard: Shard): Promise<boolean> {
    const [mark, [begun]] = await Promise.all([
      this.link.command('ZSCORE', shard.index, '!'),
      this.link.fields(shard.meta, ['x']),
    ]);
    return mark !== null || begun === null;
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}
