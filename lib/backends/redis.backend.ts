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
import type { Draft } from '../core/entry.js';
import { PatternUnsupportedError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import type { Label } from '../core/label.js';
import type { Partition, View } from '../core/space.js';
import { FallbackBackend } from './fallback.backend.js';
import { GuardedBackend } from './guarded.backend.js';
import { Births } from './redis.births.js';
import { openClients } from './redis.client.js';
import { ServerClock } from './redis.clock.js';
import { EntryOpener } from './redis.entry.js';
import { RedisInvalidation } from './redis.invalidation.js';
import { RedisLeases } from './redis.leases.js';
import { RedisLink } from './redis.link.js';
import { resolveRedisOptions, type RedisOptions, type ResolvedRedisOptions } from './redis.options.js';
import { RedisReader } from './redis.reader.js';
import { sum } from './redis.reply.js';
import { ShardMap } from './redis.shard.js';
import { RedisWalk } from './redis.walk.js';
import { RedisWrites } from './redis.writes.js';

/** Facts about the server that are told to people. */
const DETAILS: readonly string[] = Object.freeze([
  'redis_version',
  'dragonfly_version',
  'role',
  'maxmemory_policy',
  'redis_mode',
]);
/** The same trouble is told again after so long. */
const SILENCE_MS = 30_000;

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
      const backend = new RedisBackend(resolved, parts);
      const guarded = new GuardedBackend(backend, resolved.guard, parts);
      backend.onReachable = () => guarded.tryAgain();
      return options.fallback === undefined ? guarded : new FallbackBackend(guarded, options.fallback.create(parts));
    },
  });
}

class RedisBackend implements Backend {
  readonly kind = 'redis';
  private readonly link: RedisLink;
  private readonly shards: ShardMap;
  private readonly reader: RedisReader;
  private readonly leases: RedisLeases;
  private readonly writes: RedisWrites;
  private readonly walk: RedisWalk;
  private readonly invalidation: RedisInvalidation;
  /** When each trouble was last told. As many as there are kinds of trouble. */
  private readonly toldAtMs = new Map<string, number>();
  private tellReborn: (() => void) | undefined;
  /** Called when a server has said who it is. */
  onReachable: (() => void) | undefined;

  constructor(
    private readonly options: ResolvedRedisOptions,
    private readonly parts: BackendParts,
  ) {
    const { clock, emit, prefix } = parts;
    const codec = parts.codec();
    const serverClock = new ServerClock(clock);
    const { client } = options.source;
    this.link = new RedisLink(
      client === undefined ? openClients(options, parts.random) : [client],
      client === undefined,
      {
        onError: (problem) => this.warn(problem),
        onReborn: () => this.tellReborn?.(),
        onOpen: () => this.onReachable?.(),
        onTime: (serverMs, askedAtMs) => serverClock.note(serverMs, askedAtMs),
        monotonicMs: () => clock.monotonicMs(),
      },
    );
    const { link } = this;
    const shards = new ShardMap(prefix, options.shards);
    const opener = new EntryOpener(codec, serverClock, emit);
    this.shards = shards;
    this.reader = new RedisReader(link, opener);
    const leaseParts = { link, shards, clock, serverClock, opener, reader: this.reader, births: new Births() };
    this.leases = new RedisLeases(leaseParts);
    this.writes = new RedisWrites(leaseParts, codec, this.leases, options.hasIndex, options.guard.timeoutMs);
    this.walk = new RedisWalk(link, opener, serverClock);
    this.invalidation = new RedisInvalidation({ link, shards, walk: this.walk, opener, serverClock });
  }

  read(key: Key): Promise<Reading> {
    return this.reader.read(this.shards.of(key), key);
  }

  readMany(keys: readonly Key[]): Promise<readonly Reading[]> {
    return Promise.all(keys.map((key) => this.read(key)));
  }

  lease(key: Key, request: LeaseRequest): Promise<LeaseReply> {
    return this.leases.ask(key, request);
  }

  renew(lease: Lease, leaseMs: number): Promise<boolean> {
    return this.leases.renew(lease, leaseMs);
  }

  release(lease: Lease): Promise<void> {
    return this.leases.release(lease);
  }

  fill(lease: Lease, draft: Draft): Promise<FillOutcome> {
    return this.writes.fill(lease, draft);
  }

  write(key: Key, draft: Draft): Promise<void> {
    return this.writes.write(key, draft);
  }

  async writeMany(entries: readonly (readonly [Key, Draft])[]): Promise<void> {
    await this.writes.writeMany(entries);
  }

  expire(key: Key, freshForMs: number, keptForMs: number): Promise<boolean> {
    return this.writes.expire(key, freshForMs, keptForMs);
  }

  increment(key: Key, by: number, draft: Omit<Draft, 'value'>): Promise<number> {
    return this.writes.increment(key, by, draft);
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

  async removeMatching(selection: Selection): Promise<number> {
    this.needIndex();
    return this.invalidation.removeMatching(selection);
  }

  /** Cursor: number of the shard, and the last id seen in it. */
  async scan(selection: Selection, cursor: string | undefined): Promise<Page> {
    this.needIndex();
    const shards = this.shards.all(selection.view.partition);
    const [number, after] = parseCursor(cursor);
    const shard = shards[number];
    if (shard === undefined) return { keys: [], cursor: undefined };
    const page = await this.walk.page(shard, selection, after);
    if (page.cursor !== undefined) return { keys: page.keys, cursor: `${number} ${page.cursor}` };
    return { keys: page.keys, cursor: number + 1 < shards.length ? `${number + 1}` : undefined };
  }

  /** Exact, by looking at each entry. Of everything without an index: what the server says of itself. */
  async usage(view: View | undefined): Promise<Usage> {
    if (view === undefined && !this.options.hasIndex) {
      const { entries, usedBytes } = await this.info();
      return { entries, bytes: usedBytes };
    }
    this.needIndex();
    const all: View = { partition: '' as Partition, path: undefined, namespace: undefined, label: undefined };
    const usages: Usage[] = [];
    if (view === undefined) {
      for await (const shard of this.invalidation.everyShard()) usages.push(await this.walk.usage(shard, all));
    } else {
      const shards = this.shards.all(view.partition);
      usages.push(...(await Promise.all(shards.map((shard) => this.walk.usage(shard, view)))));
    }
    return { entries: sum(usages.map(({ entries }) => entries)), bytes: sum(usages.map(({ bytes }) => bytes)) };
  }

  /** Of one node, with everything that is on it. */
  async info(): Promise<BackendInfo> {
    const connection = this.link.pick();
    const [facts, size] = await Promise.all([connection.facts(), connection.command('DBSIZE')]);
    const maxBytes = Number(facts.get('maxmemory') ?? 0);
    return {
      kind: this.kind,
      entries: Number(size),
      usedBytes: Number(facts.get('used_memory') ?? 0),
      maxBytes: maxBytes === 0 ? undefined : maxBytes,
      details: Object.fromEntries(DETAILS.flatMap((name) => (facts.has(name) ? [[name, facts.get(name) ?? '']] : []))),
    };
  }

  ping(): Promise<void> {
    return this.link.ping();
  }

  async open(): Promise<void> {
    const { requireOnBoot, connectTimeoutMs } = this.options;
    await this.link.opened(connectTimeoutMs, requireOnBoot, this.parts.clock);
  }

  onReborn(listener: () => void): void {
    this.tellReborn = listener;
  }

  async close(): Promise<void> {
    this.leases.close();
    await this.link.close(this.parts.clock);
  }

  private needIndex(): void {
    if (!this.options.hasIndex) throw new PatternUnsupportedError('the backend keeps no index (redis.index: false)');
  }

  private warn(problem: string): void {
    const nowMs = this.parts.clock.monotonicMs();
    if (nowMs - (this.toldAtMs.get(problem) ?? -Infinity) < SILENCE_MS) return;
    this.toldAtMs.set(problem, nowMs);
    this.parts.emit.event({ type: 'warning', message: `redis: ${problem}` });
  }
}

/** A cursor comes back from people: one that never was one begins at the end. */
function parseCursor(cursor: string | undefined): [number, string | undefined] {
  if (cursor === undefined) return [0, undefined];
  const [, number, after] = /^(\d{1,4})(?: (.+))?$/s.exec(cursor) ?? [];
  return [Number(number ?? Infinity), after];
}
