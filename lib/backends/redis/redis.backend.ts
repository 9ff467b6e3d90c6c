/**
 * Entries on a Redis server, a cluster or Dragonfly, shared by all processes. What must be atomic is one script on one
 * slot; the rest is reading. Keeps invariants 3, 4, 5 and 11.
 */
import type { Cluster } from 'ioredis';
import type { BackendFactory, BackendInfo, BackendParts, Page, Reading, Selection, Usage } from '../../core/backend.js';
import type { FollowingWire, Wire } from '../../core/bus.js';
import { machineOf } from '../../core/clock.js';
import { PatternUnsupportedError, type CacheConfigError } from '../../core/errors.js';
import type { Key } from '../../core/keys/key.js';
import { Pace } from '../../core/async/pace.js';
import { WHOLE_SHARD, type View } from '../../core/keys/space.js';
import { addressOf } from './address.js';
import type { RedisApplications } from './applications.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import { ChangePublisher } from './change-publisher.js';
import { ShardClocks } from './shard-clocks.js';
import { openClients } from './connection/client.js';
import { IndexScan, totalOf } from '../remote/index-scan.js';
import { lateApplications } from '../remote/late-applications.js';
import { Increments } from '../remote/increments.js';
import { ServerClock } from '../remote/server-clock.js';
import type { Client } from './connection/send-command.js';
import { EntryOpener } from '../remote/stored-entry.js';
import { RedisInvalidation } from './invalidation.js';
import { KeyCheck } from './key-check.js';
import { RedisLeases } from './leases.js';
import { RedisPool, type PoolEvents } from './connection/pool.js';
import { lackOf, placeOf, resolveRedisOptions, type RedisOptions, type ResolvedRedisOptions } from './options.js';
import { RedisOwners } from './owners.js';
import { RedisReader } from './reader.js';
import { nonce } from '../shared/nonce.js';
import { aboutServer, levelOf } from '../remote/level.js';
import { RemoteBackend } from '../remote/remote.backend.js';
import { Warnings } from '../shared/warnings.js';
import { redisShards, type RedisShards, type Shard } from './shards.js';
import { RedisIndex, type RedisScan } from './index-scan.js';
import { StateWatch } from './state-watch.js';
import { RedisValidator } from './validator.js';
import { wireOf } from './pubsub/wire.js';
import { RedisWrites } from './writes.js';
import type { SecondLevel } from '../shared/second-level.js';

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
    return levelOf(backend, { guard, fallback: source.fallback, address: addressOf(source) }, parts, wire);
  };
  return Object.freeze({
    kind: 'redis',
    about: aboutServer('redis', addressOf(source), source.fallback),
    create: (parts: BackendParts) => level(parts, resolved.announces ? nonce() : undefined).backend,
    asSecondLevel: level,
  });
}

class RedisBackend extends RemoteBackend<Shard> {
  static {
    hideFromLogs(this.prototype, 'RedisBackend');
  }

  readonly kind = 'redis';
  readonly leasesInOneTrip = true;
  readonly validator: RedisValidator;
  private readonly clients: readonly Client[];
  private readonly pool: RedisPool;
  protected readonly shards: RedisShards;
  private readonly reader: RedisReader;
  protected readonly leases: RedisLeases;
  protected readonly writes: RedisWrites;
  protected readonly increments: Increments;
  protected readonly markEncoding = 'latin1';
  protected readonly counts: boolean;
  protected readonly scanner: RedisScan;
  protected readonly invalidation: RedisInvalidation;
  private readonly keyCheck: KeyCheck;
  private readonly meetApplications: (look: (applications: RedisApplications) => Promise<void>) => void;
  /** Undefined: all is kept by one server. */
  readonly owners: RedisOwners | undefined;
  private readonly warnings: Warnings;

  constructor(
    private readonly options: ResolvedRedisOptions,
    private readonly parts: BackendParts,
    /** This process, as others hear of its changes. Undefined: no change is announced. */
    origin: string | undefined,
  ) {
    super();
    this.counts = options.hasIndex;
    const { emit, prefix, random } = parts;
    const clock = machineOf(parts.clock);
    const serverClock = new ServerClock(parts.clock);
    this.warnings = new Warnings(this.kind, { clock, emit });
    const { client } = options.source;
    // Before anything is connected: what cannot work stops the start, and leaves nothing behind.
    const sealing = parts.codec();
    this.clients = client === undefined ? openClients(options, random) : [client];
    const lack = client && lackOf(client);
    if (lack !== undefined) this.warnings.warn(lack);
    this.pool = new RedisPool(this.clients, client === undefined, this.events(serverClock), {
      clock,
      random,
    });
    const { pool } = this;
    const shards = redisShards(prefix, options.shards);
    this.keyCheck = new KeyCheck(sealing, shards.lead);
    this.meetApplications = lateApplications(parts.application, async () => {
      const loaded = await import('./applications.js');
      return new loaded.RedisApplications(parts, this.warnings.warn, shards.lead);
    });
    const codec = this.keyCheck.guarded();
    const opener = new EntryOpener(codec, serverClock, emit);
    this.shards = shards;
    this.reader = new RedisReader(pool, opener, new StateWatch(pool, clock, this.warnings.warn));
    this.validator = new RedisValidator(pool, shards);
    const { keyPrefix = '' } = (this.clients[0] as Client).options;
    const publisher = new ChangePublisher({ origin, pubSub: options.pubSub, lead: shards.lead, keyPrefix });
    const shardClocks = new ShardClocks();
    const leaseParts = { pool, shards, clock, serverClock, opener, reader: this.reader, shardClocks, publisher };
    this.leases = new RedisLeases(leaseParts);
    this.writes = new RedisWrites(leaseParts, codec, this.leases, options.hasIndex, options.guard);
    this.increments = new Increments(this.kind, clock, options.guard, this.writes);
    const pace = new Pace(clock);
    const index = new RedisIndex({ pool, opener, publisher }, pace, this.warnings.warn);
    this.scanner = new IndexScan(index, serverClock, pace);
    const countingMs = options.guard.longTimeoutMs / 2;
    const [first] = this.clients as [Client];
    const to = { invalidation: () => this.invalidation, writes: this.writes };
    this.owners = first.isCluster ? new RedisOwners(first as Cluster, pool, shards, to) : undefined;
    const ownerOf = this.owners?.ofShard;
    this.invalidation = new RedisInvalidation({
      ...leaseParts,
      scan: this.scanner,
      index,
      warn: this.warnings.warn,
      ownerOf,
      countingMs,
    });
  }

  read(key: Key): Promise<Reading> {
    return this.reader.read(this.shards.of(key), key);
  }

  override async removeMatching(selection: Selection): Promise<number> {
    this.needIndex();
    return super.removeMatching(selection);
  }

  override async scan(selection: Selection, cursor: string | undefined): Promise<Page> {
    this.needIndex();
    return super.scan(selection, cursor);
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
      for await (const shard of this.invalidation.everyShard())
        usages.push(await this.scanner.usage(shard, WHOLE_SHARD));
    } else {
      const shards = this.shards.all(view.partition);
      usages.push(...(await Promise.all(shards.map((shard) => this.scanner.usage(shard, view)))));
    }
    return totalOf(usages);
  }

  /** Of one node, with everything that is on it. */
  async info(): Promise<BackendInfo> {
    const { infoOf } = await import('./info.js');
    return infoOf(this.pool.pick());
  }

  ping(): Promise<void> {
    return this.pool.ping();
  }

  async open(): Promise<void> {
    const { requireOnBoot, startTimeoutMs } = this.options;
    try {
      await this.pool.opened(startTimeoutMs, requireOnBoot, () => this.keyCheck.run(this.pool));
    } catch (error) {
      // An application that does not start is not asked to close, and connections would keep it from ending.
      await this.close();
      throw error;
    }
  }

  /** Changes that all processes of this cache announce. */
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
    await this.leases.close();
    this.owners?.close();
    await this.pool.close();
  }

  protected override reborn(): void {
    this.reader.forget();
    super.reborn();
  }

  private events(serverClock: ServerClock): PoolEvents {
    return {
      onWarning: this.warnings.warn,
      onOddity: this.warnings.warnOnce,
      onAway: (why) => this.onAway?.(why),
      onTrouble: (why) => this.onTrouble?.(why),
      onReborn: () => this.reborn(),
      onReturned: (master) => {
        // It may have come back with the data of yesterday: what was learnt of its labels is of another life.
        this.reader.forget();
        this.owners?.onReturned?.(master);
      },
      onGone: (master) => this.owners?.onGone?.(master),
      onOpen: () => {
        this.onReachable?.();
        this.meetApplications((applications) => applications.look(this.pool));
        this.keyCheck.run(this.pool).catch((mismatch: CacheConfigError) => this.warnings.warn(mismatch.message));
      },
      onTime: (serverMs, askedAtMs) => serverClock.note(serverMs, askedAtMs),
      where: placeOf(this.options.source),
    };
  }

  private needIndex(): void {
    if (!this.options.hasIndex) throw new PatternUnsupportedError('the backend keeps no index (redis.index: false)');
  }
}
