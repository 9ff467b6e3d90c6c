/**
 * Entries in a MongoDB collection, shared by all processes. What must be atomic is one change of one document; the rest is
 * reading. Only classic operators are used, so any server will do that changes a document by one at a time. Keeps
 * invariants 3, 4, 5 and 11.
 */
import type { BackendFactory, BackendInfo, BackendParts, Reading, Usage } from '../../core/backend.js';
import type { Wire } from '../../core/bus.js';
import { machineOf } from '../../core/clock.js';
import { CacheConfigError } from '../../core/errors.js';
import type { Key } from '../../core/keys/key.js';
import { Pace } from '../../core/async/pace.js';
import { WHOLE_SHARD, type View } from '../../core/keys/space.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import { MAX_PARALLEL_SCANS } from '../shared/counting.js';
import { lateApplications } from '../remote/late-applications.js';
import { MongoCounter } from './counter.js';
import { LabelFields } from './documents.js';
import { mongoShards, type MongoShard, type MongoShards } from './shards.js';
import { MongoServerProbe } from './connection/server-probe.js';
import { infoOf } from './info.js';
import { MongoInvalidation } from './invalidation.js';
import { MongoKeyCheck } from './key-check.js';
import { MongoLeases } from './leases.js';
import { MongoConnection } from './connection/connection.js';
import { resolveMongoOptions, type MongoOptions, type ResolvedMongoOptions } from './options.js';
import { MongoReader } from './reader.js';
import { MongoShardClocks } from './shard-clocks.js';
import { MongoCleanup } from './cleanup.js';
import { MongoValidator } from './validator.js';
import { MongoIndex, type MongoScan } from './index-scan.js';
import { ChangeStreamWire } from './change-stream/change-stream.wire.js';
import { MongoWrites } from './writes.js';
import { Increments } from '../remote/increments.js';
import { IndexScan, totalOf } from '../remote/index-scan.js';
import { ServerClock } from '../remote/server-clock.js';
import { aboutServer, levelOf } from '../remote/level.js';
import { RemoteBackend } from '../remote/remote.backend.js';
import { Warnings } from '../shared/warnings.js';
import { EntryOpener } from '../remote/stored-entry.js';
import { inTurns } from '../shared/batches.js';
import { RefusedError } from '../shared/refused.error.js';
import type { SecondLevel } from '../shared/second-level.js';

/**
 * Keeps entries in one collection of MongoDB, by mongoose 8 or 9.
 *
 * A server that lets several writers win one compare-and-set of a document is refused: when the module starts, or, if it
 * is not there yet, by every call that reaches it.
 *
 * @example CacheModule.forRoot({ backend: mongo({ uri: 'mongodb://localhost:27017/app' }) })
 * @throws CacheConfigError naming the option that cannot work
 */
export function mongo(options: MongoOptions): BackendFactory {
  const resolved = resolveMongoOptions(options);
  const level = (parts: BackendParts, origin?: string): SecondLevel => {
    const backend = new MongoBackend(resolved, parts, origin !== undefined);
    return levelOf(backend, resolved, parts, origin === undefined ? undefined : backend.wire(origin));
  };
  return Object.freeze({
    kind: 'mongo',
    about: aboutServer('mongo', resolved.address, resolved.fallback),
    create: (parts: BackendParts) => level(parts).backend,
    asSecondLevel: level,
  });
}

class MongoBackend extends RemoteBackend<MongoShard> {
  static {
    hideFromLogs(this.prototype, 'MongoBackend');
  }

  readonly kind = 'mongo';
  readonly validator: MongoValidator;
  private readonly serverClock: ServerClock;
  private readonly connection: MongoConnection;
  protected readonly shards: MongoShards;
  private readonly keyCheck: MongoKeyCheck;
  private readonly reader: MongoReader;
  protected readonly leases: MongoLeases;
  protected readonly writes: MongoWrites;
  protected readonly markEncoding = 'base64url';
  protected readonly counts = true;
  protected readonly increments: Increments;
  protected readonly scanner: MongoScan;
  protected readonly invalidation: MongoInvalidation;
  private readonly cleanup: MongoCleanup;
  private readonly warnings: Warnings;

  constructor(
    private readonly options: ResolvedMongoOptions,
    private readonly parts: BackendParts,
    isWatched: boolean,
  ) {
    super();
    const { emit, prefix, random } = parts;
    const clock = machineOf(parts.clock);
    const serverClock = new ServerClock(parts.clock);
    this.serverClock = serverClock;
    const shards = mongoShards(prefix, options.shards);
    const { lead } = shards;
    const keyCheck = new MongoKeyCheck(parts.codec(), lead);
    const codec = keyCheck.guarded();
    this.warnings = new Warnings(this.kind, { clock, emit });
    const warn = this.warnings.warn;
    const probe = new MongoServerProbe({ clock, serverClock, lead, isUnsafe: options.isUnsafe, warn });
    const meet = lateApplications(parts.application, async () => {
      const { MongoApplications } = await import('./applications.js');
      return new MongoApplications(parts, warn, lead, serverClock);
    });
    const connection = new MongoConnection(
      options,
      {
        probe: async (db, documents) => {
          const identity = await probe.check(db, documents);
          // With another key it reads and removes as before; what it would store no other process could open.
          await keyCheck.run(documents).catch((mismatch: CacheConfigError) => warn(mismatch.message));
          meet((applications) => applications.look(documents));
          return identity;
        },
        onUse: (db) => probe.keepTime(db),
        onReborn: () => this.reborn(),
        onReachable: () => this.onReachable?.(),
        onProblem: (why) => this.onAway?.(why),
      },
      clock,
      isWatched,
    );
    const fields = new LabelFields();
    const opener = new EntryOpener(codec, serverClock, emit);
    const reader = new MongoReader({ connection, shards, fields, opener, serverClock });
    const shardClocks = new MongoShardClocks({ connection, fields, serverClock, random });
    const leaseParts = { connection, shards, fields, opener, serverClock, clock, reader, shardClocks };
    this.connection = connection;
    this.shards = shards;
    this.keyCheck = keyCheck;
    this.reader = reader;
    this.validator = new MongoValidator({ connection, shards, fields });
    this.leases = new MongoLeases(leaseParts);
    this.writes = new MongoWrites(leaseParts, codec, this.leases, options.guard);
    const counter = new MongoCounter(leaseParts, this.writes);
    this.increments = new Increments(this.kind, clock, options.guard, counter);
    const index = new MongoIndex({ connection, reader }, warn);
    this.scanner = new IndexScan(index, serverClock, new Pace(clock));
    const countingMs = options.guard.longTimeoutMs / 2;
    this.invalidation = new MongoInvalidation({ ...leaseParts, index, scan: this.scanner, countingMs });
    this.cleanup = new MongoCleanup(connection, clock, serverClock, random, (documents) => probe.renewIndex(documents));
    this.cleanup.start();
  }

  read(key: Key): Promise<Reading> {
    return this.reader.read(key);
  }

  /** Exact, by looking at each entry. */
  async usage(view: View | undefined): Promise<Usage> {
    const { invalidation, shards, scanner } = this;
    const looked = view === undefined ? await invalidation.everyShard() : shards.all(view.partition);
    return totalOf(await inTurns(looked, MAX_PARALLEL_SCANS, (shard) => scanner.usage(shard, view ?? WHOLE_SHARD)));
  }

  /** Of the whole collection, documents of shards and leases included. */
  info(): Promise<BackendInfo> {
    return this.connection.reach(infoOf);
  }

  async ping(): Promise<void> {
    await this.connection.reach((_documents, db) => db.command({ ping: 1 }));
  }

  async open(): Promise<void> {
    try {
      await this.connection.opened();
      this.keyCheck.confirm();
    } catch (error) {
      // An application that does not start is not asked to close, and connections would keep it from ending.
      await this.close();
      if (!(error instanceof RefusedError)) throw error;
      if (error.cause instanceof CacheConfigError) throw error.cause;
      throw new CacheConfigError('mongo', error.message, { cause: error });
    }
  }

  /** Changes of the collection, as the server tells them. */
  wire(origin: string): Wire {
    const { serverClock, connection, shards, writes } = this;
    return new ChangeStreamWire({
      clock: machineOf(this.parts.clock),
      random: this.parts.random,
      serverClock,
      connection,
      lead: shards.lead,
      ownWrites: writes.ownWrites,
      origin,
      warn: this.warnings.warn,
    });
  }

  async close(): Promise<void> {
    this.cleanup.stop();
    await this.leases.close();
    await this.connection.close();
  }
}
