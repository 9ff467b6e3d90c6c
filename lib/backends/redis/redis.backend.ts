/**
 * Entries on a Redis server, a cluster or Dragonfly, shared by all processes. What must be atomic is one script on one
 * slot; the rest is reading. Keeps invariants 3, 4, 5 and 11.
 */
import type {
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
} from '../../core/backend.js';
import type { FollowingWire, Wire } from '../../core/bus.js';
import { machineOf } from '../../core/clock.js';
import type { Draft, Entry } from '../../core/entry.js';
import { PatternUnsupportedError, type CacheConfigError } from '../../core/errors.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import { Pace } from '../../core/async/pace.js';
import type { Partition } from '../../core/keys/partition.js';
import { WHOLE_SHARD, type View } from '../../core/keys/space.js';
import { RedisApplications } from './applications.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import { ChangePublisher } from './change-publisher.js';
import { ShardClocks } from './shard-clocks.js';
import { openClients } from './connection/client.js';
import { totalOf } from '../remote/index-scan.js';
import { ServerClock } from '../remote/server-clock.js';
import type { Client } from './connection/connection.js';
import { EntryOpener, ServerEntry } from '../remote/stored-entry.js';
import { infoOf } from './info.js';
import { RedisInvalidation } from './invalidation.js';
import { KeyCheck } from './key-check.js';
import { RedisLeases } from './leases.js';
import { RedisPool, type PoolEvents } from './connection/pool.js';
import { resolveRedisOptions, type RedisOptions, type ResolvedRedisOptions } from './options.js';
import { RedisReader } from './reader.js';
import { nonce } from '../shared/nonce.js';
import { levelOf, type ServerBackend } from '../remote/remote.backend.js';
import { Warnings } from '../shared/warnings.js';
import { text } from './connection/reply.js';
import { ShardMap } from './shards.js';
import { RedisWalk } from './index-scan.js';
import { RedisValidator } from './validator.js';
import { wireOf } from './pubsub/wire.js';
import { RedisWrites } from './writes.js';
import { apply } from '../resilience/retry-queue.js';
import type { Invalidation } from '../shared/invalidation.js';
import type { Proof, SecondLevel } from '../shared/second-level.js';

/**
 * Keeps entries on Redis (7 and later), Redis Cluster, Sentinel groups or Dragonfly.
 *
 * @example CacheModule.forRoot({ backend: redis({ url: 'redis://localhost:6379' }) })
 * @throws CacheConfigError naming the option that cannot work
 */
export function redis(options: RedisOptions = {}): BackendFactory {
  const resolved = resolveRedisOptions(options);
  const { guard, source } = resolved;
  const level = (parts: BackendParts, origin: string | undefined): SecondLevel => {
    const backend = new RedisBackend(resolved, parts, origin);
    const wire = origin === undefined ? undefined : backend.wire();
    return levelOf(backend, { guard, fallback: source.fallback }, parts, wire);
  };
  return Object.freeze({
    kind: 'redis',
    create: (parts: BackendParts) => level(parts, resolved.announces ? nonce() : undefined).backend,
    asSecondLevel: level,
  });
}

class RedisBackend implements ServerBackend {
  static {
    hideFromLogs(this.prototype, 'RedisBackend');
  }

  readonly kind = 'redis';
  readonly validator: RedisValidator;
  private readonly clients: readonly Client[];
  private readonly pool: RedisPool;
  private readonly shards: ShardMap;
  private readonly reader: RedisReader;
  private readonly leases: RedisLeases;
  private readonly writes: RedisWrites;
  private readonly walk: RedisWalk;
  private readonly invalidation: RedisInvalidation;
  private readonly keyCheck: KeyCheck;
  private readonly applications: RedisApplications;
  private readonly warnings: Warnings;
  private tellReborn: (() => void) | undefined;
  /** Called when a server has said who it is. */
  onReachable: (() => void) | undefined;
  /** Called with the reason when there is no server, and when a connection failed. */
  onAway: ((why: string) => void) | undefined;
  onTrouble: ((why: string) => void) | undefined;

  constructor(
    private readonly options: ResolvedRedisOptions,
    private readonly parts: BackendParts,
    /** Who announces changes; undefined: nobody does. */
    origin: string | undefined,
  ) {
    const { emit, prefix } = parts;
    const clock = machineOf(parts.clock);
    const serverClock = new ServerClock(parts.clock);
    this.warnings = new Warnings(this.kind, { clock, emit });
    const { client } = options.source;
    this.clients = client === undefined ? openClients(options, parts.random) : [client];
    const poolEvents: PoolEvents = {
      onWarning: this.warnings.warn,
      onAway: (why) => this.onAway?.(why),
      onTrouble: (why) => this.onTrouble?.(why),
      onReborn: () => this.tellReborn?.(),
      onOpen: () => {
        this.onReachable?.();
        void this.applications.look(this.pool);
        this.keyCheck.run(this.pool).catch((mismatch: CacheConfigError) => this.warnings.warn(mismatch.message));
      },
      onTime: (serverMs, askedAtMs) => serverClock.note(serverMs, askedAtMs),
      monotonicMs: () => clock.monotonicMs(),
    };
    this.pool = new RedisPool(this.clients, client === undefined, poolEvents, { clock, random: parts.random });
    const { pool } = this;
    const shards = new ShardMap(prefix, options.shards);
    this.keyCheck = new KeyCheck(parts.codec(), shards.lead);
    this.applications = new RedisApplications(parts, this.warnings.warn, shards.lead);
    const codec = this.keyCheck.guarded();
    const opener = new EntryOpener(codec, serverClock, emit);
    this.shards = shards;
    this.reader = new RedisReader(pool, opener);
    this.validator = new RedisValidator(pool, shards);
    const { keyPrefix = '' } = (this.clients[0] as Client).options;
    const publisher = new ChangePublisher({ origin, pubSub: options.pubSub, lead: shards.lead, keyPrefix });
    const shardClocks = new ShardClocks();
    const leaseParts = { pool, shards, clock, serverClock, opener, reader: this.reader, shardClocks, publisher };
    this.leases = new RedisLeases(leaseParts);
    this.writes = new RedisWrites(leaseParts, codec, this.leases, options.hasIndex, options.guard);
    this.walk = new RedisWalk(pool, opener, serverClock, publisher, new Pace(clock), this.warnings.warn);
    const countingMs = options.guard.longTimeoutMs / 2;
    this.invalidation = new RedisInvalidation({ ...leaseParts, walk: this.walk, countingMs });
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

  write(key: Key, draft: Draft, dueMs?: number): Promise<void> {
    return this.writes.write(key, draft, dueMs);
  }

  async writeMany(entries: readonly (readonly [Key, Draft])[], dueMs?: number): Promise<void> {
    await this.writes.writeMany(entries, dueMs);
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
    return this.invalidation.clearEverything(this.options.hasIndex);
  }

  /** Nobody waits for a count, but everybody for this to be over. */
  async resend(invalidation: Invalidation): Promise<void> {
    if (invalidation.kind === 'clear') await this.invalidation.clear(invalidation.view, false);
    else if (invalidation.kind === 'everything') await this.invalidation.clearEverything(false);
    else await apply(this, invalidation);
  }

  async removeMatching(selection: Selection): Promise<number> {
    this.needIndex();
    return this.invalidation.removeMatching(selection);
  }

  async scan(selection: Selection, cursor: string | undefined): Promise<Page> {
    this.needIndex();
    return this.walk.scan(this.shards.all(selection.view.partition), selection, cursor);
  }

  /** Exact, by looking at each entry. Of everything without an index: what the server says of itself. */
  async usage(view: View | undefined): Promise<Usage> {
    if (view === undefined && !this.options.hasIndex) {
      const { entries, usedBytes } = await this.info();
      return { entries, bytes: usedBytes };
    }
    this.needIndex();
    const usages: Usage[] = [];
    if (view === undefined) {
      for await (const shard of this.invalidation.everyShard()) usages.push(await this.walk.usage(shard, WHOLE_SHARD));
    } else {
      const shards = this.shards.all(view.partition);
      usages.push(...(await Promise.all(shards.map((shard) => this.walk.usage(shard, view)))));
    }
    return totalOf(usages);
  }

  /** Of one node, with everything that is on it. */
  async info(): Promise<BackendInfo> {
    return infoOf(this.pool.pick());
  }

  ping(): Promise<void> {
    return this.pool.ping();
  }

  async open(): Promise<void> {
    const { requireOnBoot, connectTimeoutMs } = this.options;
    try {
      await this.pool.opened(connectTimeoutMs, requireOnBoot);
      await this.keyCheck.run(this.pool);
    } catch (error) {
      // Nobody closes what did not start.
      await this.close();
      throw error;
    }
  }

  onReborn(listener: () => void): void {
    this.tellReborn = listener;
  }

  /** Counters are added to in place, so nothing about a copy of one could be checked. */
  proofOf(of: Entry | Draft): Proof | undefined {
    if (!(of instanceof ServerEntry)) return this.writes.proofs.get(of as Draft);
    const { mark, generation, stamp, counter } = of;
    return counter === undefined ? { mark: text(mark), generation, stamp } : undefined;
  }

  /** To hear what all processes of this cache announce. */
  wire(): Wire | FollowingWire {
    const { pool, shards, clients, parts, options } = this;
    return wireOf(options.pubSub, {
      ...parts,
      clock: machineOf(parts.clock),
      pool,
      shards,
      client: clients[0] as Client,
    });
  }

  async close(): Promise<void> {
    this.leases.close();
    await this.pool.close();
  }

  private needIndex(): void {
    if (!this.options.hasIndex) throw new PatternUnsupportedError('the backend keeps no index (redis.index: false)');
  }
}
