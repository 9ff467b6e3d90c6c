/**
 * Entries on a Redis server, a cluster or Dragonfly, shared by all processes. What must be atomic is one script on one
 * slot; the rest is reading. Keeps invariants 3, 4, 5 and 11.
 */
import type {
  Backend,
  BackendFactory,
  BackendInfo,
  BackendParts,
  FillOutcome,
  Lease,
  LeaseReply,
  LeaseRequest,
  Page,
  Reading,
  Selection,
  Usage,
} from '../core/backend.js';
import type { Codec } from '../core/codec.js';
import type { Draft } from '../core/entry.js';
import { NotACounterError, PatternUnsupportedError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import type { Label } from '../core/label.js';
import type { Partition, View } from '../core/space.js';
import { survives, type Stamp } from '../core/stamp.js';
import { RedisLink } from './redis.client.js';
import { markOf, openStored, RedisEntry, ServerClock } from './redis.entry.js';
import { FallbackBackend } from './fallback.backend.js';
import { GuardedBackend } from './guarded.backend.js';
import { RedisInvalidation } from './redis.invalidation.js';
import { resolveRedisOptions, type RedisOptions, type ResolvedRedisOptions } from './redis.options.js';
import { RedisReader, type ShardView } from './redis.reader.js';
import { keptMs, leaseText, nonce, text } from './redis.reply.js';
import { COUNT, FILL, LEASE, RELEASE, RENEW, SWAP, WRITE } from './redis.scripts.js';
import { ShardMap, type Shard } from './redis.shard.js';
import { RedisWalk } from './redis.walk.js';

/** An explicit write meets a moved clock at most this often before it gives up: invalidations would have to come in between each time. */
const MAX_WRITE_ATTEMPTS = 8;
const NO_MARK = Buffer.alloc(0);

/**
 * Keeps entries on Redis (7 and later), Redis Cluster, Sentinel groups or Dragonfly.
 *
 * @example CacheModule.forRoot({ backend: redis({ url: 'redis://localhost:6379' }) })
 * @throws CacheConfigError naming the option that cannot work
 */
export function redis(options: RedisOptions = {}): BackendFactory {
  const resolved = resolveRedisOptions(options);
  return Object.freeze({
    kind: 'redis',
    create(parts: BackendParts) {
      const guarded = new GuardedBackend(new RedisBackend(resolved, parts), resolved.guard, parts);
      return options.fallback === undefined ? guarded : new FallbackBackend(guarded, options.fallback.create(parts));
    },
  });
}

class RedisBackend implements Backend {
  readonly kind = 'redis';
  private readonly link: RedisLink;
  private readonly shards: ShardMap;
  private readonly codec: Codec;
  private readonly serverClock: ServerClock;
  private readonly reader: RedisReader;
  private readonly walk: RedisWalk;
  private readonly invalidation: RedisInvalidation;
  /** The life and clock of shards as last heard, for writes to be sealed with. A guess: the server checks. */
  private readonly births = new Map<Shard, { incarnation: string; stamp: Stamp }>();
  private isClosed = false;

  constructor(
    private readonly options: ResolvedRedisOptions,
    private readonly parts: BackendParts,
  ) {
    this.link = new RedisLink(options, (error) =>
      parts.emit.event({ type: 'warning', message: `redis: ${connectionProblem(error)}` }),
    );
    this.shards = new ShardMap(parts.prefix, options.shards);
    this.codec = parts.codec();
    this.serverClock = new ServerClock(parts.clock);
    this.reader = new RedisReader(this.link, this.codec, this.serverClock);
    this.walk = new RedisWalk(this.link, this.codec, this.serverClock);
    this.invalidation = new RedisInvalidation(this.link, this.shards, this.walk, this.codec, this.serverClock);
  }

  read(key: Key): Promise<Reading> {
    return this.reader.read(this.shardOf(key), key);
  }

  readMany(keys: readonly Key[]): Promise<readonly Reading[]> {
    return Promise.all(keys.map((key) => this.read(key)));
  }

  /** Asks until the answer is a lease, somebody else's lease, or an entry that is fresh and that the asker has not seen. */
  async lease(key: Key, { leaseMs, purpose, seen }: LeaseRequest): Promise<LeaseReply> {
    const shard = this.shardOf(key);
    let known = seen instanceof RedisEntry ? seen : undefined;
    let mark: Buffer = known?.mark ?? NO_MARK;
    for (;;) {
      // A token for each attempt: one that timed out may still be granted, and nobody holds it.
      const token = nonce();
      const labels = [...new Set([...key.labels, ...(known?.labels ?? [])])];
      const args = [token, leaseMs, nonce(), purpose, mark, ...labels];
      const sentAtMs = this.parts.clock.monotonicMs();
      const reply = (await this.link.run(
        LEASE,
        [shard.entry(key.id), shard.meta, shard.lease(key.id)],
        args,
      )) as unknown[];
      if (Number(reply[0]) === 2) return { kind: 'held', token: text(reply[1]) };
      this.serverClock.note(Number(text(reply[4])), sentAtMs);
      const view: ShardView = {
        incarnation: text(reply[2]),
        floor: Number(text(reply[3])),
        stamps: stampsOf(labels, reply[5]),
      };
      if (Number(reply[0]) === 1)
        return this.granted(
          key,
          shard,
          token,
          view,
          Number(text(reply[6])),
          Number(reply[1]) === 1 ? known : undefined,
        );
      const found = await openStored(this.codec, key.id, reply[1] as Buffer, this.serverClock);
      const [barrier = { incarnation: '', stamp: 0 }] = await this.reader.barriers(shard, [found], view);
      const reading: Reading = { entry: found, barrier, level: 'l2' };
      if (found !== undefined && this.isFresh(reading)) return { kind: 'found', reading };
      known = found;
      mark = markOf(reply[1] as Buffer);
    }
  }

  async renew(lease: Lease, leaseMs: number): Promise<boolean> {
    return (
      Number(await this.link.run(RENEW, [this.shardOf(lease.key).lease(lease.key.id)], [leaseText(lease), leaseMs])) ===
      1
    );
  }

  async release(lease: Lease): Promise<void> {
    await this.link.run(RELEASE, [this.shardOf(lease.key).lease(lease.key.id)], [leaseText(lease)]);
  }

  async fill(lease: Lease, draft: Draft): Promise<FillOutcome> {
    const { key, incarnation, stamp } = lease;
    const bytes = await this.seal(key, draft, incarnation, stamp);
    const args = [leaseText(lease), incarnation, stamp, keptMs(draft), bytes, this.indexed(key), ...draft.labels];
    const outcome = Number(await this.link.run(FILL, this.entryKeys(key), args));
    return outcome === 1 ? 'stored' : outcome === 0 ? 'lease-lost' : 'invalidated';
  }

  async write(key: Key, draft: Draft): Promise<void> {
    const shard = this.shardOf(key);
    for (let attempt = 0; attempt < MAX_WRITE_ATTEMPTS; attempt++) {
      const birth = this.births.get(shard) ?? { incarnation: '-', stamp: 0 };
      const bytes = await this.seal(key, draft, birth.incarnation, birth.stamp);
      const args = [nonce(), birth.incarnation, birth.stamp, keptMs(draft), bytes, this.indexed(key)];
      const reply = (await this.link.run(WRITE, this.entryKeys(key), args)) as unknown[];
      if (Number(reply[0]) === 1) return;
      this.remember(shard, text(reply[1]), Number(text(reply[2])));
    }
    throw new Error('the clock of the shard moved on at every attempt to write');
  }

  async writeMany(entries: readonly (readonly [Key, Draft])[]): Promise<void> {
    await Promise.all(entries.map(([key, draft]) => this.write(key, draft)));
  }

  async expire(key: Key, freshForMs: number, keptForMs: number): Promise<boolean> {
    const shard = this.shardOf(key);
    const reading = await this.read(key);
    const { entry } = reading;
    if (!(entry instanceof RedisEntry) || !this.isLive(reading)) return false;
    const draft: Draft = { value: entry.value, labels: entry.labels, freshForMs, keptForMs, isolation: undefined };
    const bytes =
      entry.recount(this.freshUntil(freshForMs), keptMs(draft)) ??
      (await this.seal(key, draft, entry.incarnation, entry.stamp));
    const keys = [shard.entry(key.id), shard.meta, shard.index, shard.expiries];
    return Number(await this.link.run(SWAP, keys, [entry.mark, keptMs(draft), bytes, this.indexed(key)])) === 1;
  }

  async increment(key: Key, by: number, draft: Omit<Draft, 'value'>): Promise<number> {
    let dead: Buffer = NO_MARK;
    for (let attempt = 0; attempt < MAX_WRITE_ATTEMPTS; attempt++) {
      const fresh = this.freshUntil(draft.freshForMs);
      const args = [
        nonce(),
        by,
        keptMs(draft),
        fresh === Infinity ? 0 : Math.floor(fresh),
        draft.labels.join(','),
        this.indexed(key),
        dead,
      ];
      const reply = (await this.link.run(COUNT, this.entryKeys(key), args)) as unknown[];
      if (Number(reply[0]) === 1) return Number(text(reply[1]));
      if (Number(reply[0]) === 2) throw new NotACounterError(key.space.namespace);
      // An envelope stands there. A live one is not a counter; one that is no longer valid makes way.
      if (this.isLive(await this.read(key))) throw new NotACounterError(key.space.namespace);
      dead = markOf(reply[1] as Buffer);
    }
    throw new Error('the entry changed at every attempt to count');
  }

  evict(keys: readonly Key[]): Promise<number> {
    return this.invalidation.evict(keys);
  }

  invalidate(partition: Partition, labels: readonly Label[]): Promise<void> {
    return this.invalidation.invalidate(partition, labels);
  }

  clear(view: View): Promise<number> {
    return this.invalidation.clear(view, this.options.hasIndex);
  }

  clearEverything(): Promise<number> {
    return this.invalidation.clearEverything();
  }

  removeMatching(selection: Selection): Promise<number> {
    this.needIndex();
    return this.invalidation.removeMatching(selection);
  }

  /** Cursor: number of the shard, and the last id seen in it. */
  async scan(selection: Selection, cursor: string | undefined): Promise<Page> {
    this.needIndex();
    const shards = this.shards.all(selection.view.partition);
    const [number = 0, after] = cursor === undefined ? [] : (JSON.parse(cursor) as [number, string?]);
    const shard = shards[number];
    if (shard === undefined) return { keys: [], cursor: undefined };
    const page = await this.walk.page(shard, selection, after);
    const next =
      page.cursor !== undefined ? [number, page.cursor] : number + 1 < shards.length ? [number + 1] : undefined;
    return { keys: page.keys, cursor: next && JSON.stringify(next) };
  }

  /** Of a view: exact, by looking at each entry. Of everything: what the server says of its whole database. */
  async usage(view: View | undefined): Promise<Usage> {
    if (view === undefined) {
      const { entries, usedBytes } = await this.info();
      return { entries, bytes: usedBytes };
    }
    this.needIndex();
    const parts = await Promise.all(this.shards.all(view.partition).map((shard) => this.walk.usage(shard, view)));
    return {
      entries: parts.reduce((sum, { entries }) => sum + entries, 0),
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  async info(): Promise<BackendInfo> {
    const [facts, size] = await Promise.all([this.link.facts(), this.link.command('DBSIZE')]);
    const maxBytes = Number(facts.get('maxmemory') ?? 0);
    const details = Object.fromEntries(
      ['redis_version', 'dragonfly_version', 'role', 'maxmemory_policy', 'redis_mode'].flatMap((name) =>
        facts.has(name) ? [[name, facts.get(name) ?? '']] : [],
      ),
    );
    return {
      kind: this.kind,
      entries: Number(size),
      usedBytes: Number(facts.get('used_memory') ?? 0),
      maxBytes: maxBytes === 0 ? undefined : maxBytes,
      details,
    };
  }

  ping(): Promise<void> {
    return this.link.ping();
  }

  onReborn(listener: () => void): void {
    this.link.onReborn = listener;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.link.close();
  }

  private async granted(
    key: Key,
    shard: Shard,
    token: string,
    view: ShardView,
    stamp: Stamp,
    standing: RedisEntry | undefined,
  ): Promise<LeaseReply> {
    this.remember(shard, view.incarnation, stamp);
    const [barrier = { incarnation: '', stamp: 0 }] = await this.reader.barriers(shard, [standing], view);
    return {
      kind: 'granted',
      lease: { key, token, incarnation: view.incarnation, stamp },
      reading: { entry: standing, barrier, level: 'l2' },
    };
  }

  private remember(shard: Shard, incarnation: string, stamp: Stamp): void {
    if (this.births.size >= 10_000) this.births.clear();
    this.births.set(shard, { incarnation, stamp });
  }

  private seal(key: Key, draft: Draft, incarnation: string, stamp: Stamp): Promise<Buffer> | Buffer {
    const graceMs = draft.keptForMs === Infinity ? 0 : draft.keptForMs - draft.freshForMs;
    return this.codec.seal(
      {
        value: draft.value,
        incarnation,
        stamp,
        labels: draft.labels,
        freshUntilServerMs: this.freshUntil(draft.freshForMs),
        graceMs,
      },
      key.id,
    );
  }

  private freshUntil(freshForMs: number): number {
    return this.serverClock.nowMs() + freshForMs;
  }

  private shardOf({ id, space }: Key): Shard {
    return this.shards.of(space.partition, id);
  }

  private entryKeys(key: Key): string[] {
    const shard = this.shardOf(key);
    return [shard.entry(key.id), shard.meta, shard.lease(key.id), shard.index, shard.expiries];
  }

  private indexed(key: Key): string {
    return this.options.hasIndex ? key.id : '';
  }

  private needIndex(): void {
    if (!this.options.hasIndex) throw new PatternUnsupportedError('the backend keeps no index (redis.index: false)');
  }

  private isLive({ entry, barrier }: Reading): boolean {
    return entry !== undefined && survives(entry, barrier) && this.parts.clock.monotonicMs() < entry.keptUntilMs;
  }

  private isFresh(reading: Reading): boolean {
    return this.isLive(reading) && this.parts.clock.monotonicMs() < (reading.entry?.freshUntilMs ?? 0);
  }
}

function stampsOf(labels: readonly Label[], reply: unknown): ReadonlyMap<Label, number> {
  const stamps = reply as unknown[];
  return new Map(labels.map((label, at) => [label, Number(text(stamps[at] ?? ''))]));
}

/** What went wrong with a connection, without addresses or credentials that may stand in the message. */
function connectionProblem(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.name;
}
