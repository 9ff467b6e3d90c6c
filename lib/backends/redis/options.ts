import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions as ClientOptions } from 'ioredis';
import { parseDuration, type Duration } from '../../core/duration.js';
import { CacheConfigError } from '../../core/errors.js';
import type { BackendFactory } from '../../core/backend.js';
import { wholeNumber } from '../../core/limits.js';
import { knownOptions } from '../../core/own-options.js';
import { GUARD_OPTIONS, resolveGuardOptions, type GuardOptions, type GuardSettings } from '../resilience/options.js';

/** How others are told: all at once by one channel for the whole cache, or by one for each shard, in its slot. */
export type PubSub = 'broadcast' | 'sharded';

/**
 * Options of {@link redis}. Exactly one of `url`, `host`, `sentinels`, `cluster` and `client` says where the server is.
 */
export interface RedisOptions extends GuardOptions {
  /**
   * `redis://` or `rediss://` (TLS), with user, password and database; `dragonfly://` is the same server protocol.
   * @default none: `host` and `port`
   */
  readonly url?: string | undefined;
  /** @default '127.0.0.1' */
  readonly host?: string | undefined;
  /** 0 to 65,535. @default 6379 */
  readonly port?: number | undefined;
  /** Number of the database, 0 to 65,535. @default 0 */
  readonly db?: number | undefined;
  /** @default none */
  readonly username?: string | undefined;
  /** Never repeated in a message. @default none */
  readonly password?: string | undefined;
  /** Options of Node's `tls.connect`; `{}` for the defaults. @default none: no TLS, unless `url` says `rediss://` */
  readonly tls?: ClientOptions['tls'] | undefined;
  /** Sentinels that know where the master is; needs `name`. @default none */
  readonly sentinels?: ClientOptions['sentinels'] | undefined;
  /** The master's name among the sentinels. @default none */
  readonly name?: string | undefined;
  /** Nodes of a Redis Cluster to start from; the others are learned from them. @default none */
  readonly cluster?: readonly ClusterNode[] | undefined;
  /**
   * A client of yours. It is used as it is and never closed; those that we make from the other options are ours.
   * @default none
   */
  readonly client?: Redis | Cluster | undefined;
  /**
   * Further options for the clients we make; what safety rests on (queues, retries, resending) stays ours.
   * @default {}
   */
  readonly clientOptions?: ClientOptions | undefined;
  /** The same for the client of a cluster. @default {} */
  readonly clusterOptions?: ClusterOptions | undefined;
  /** Slots over which a tenant's keys are spread, 1 to 256. Changing it makes the cache start empty. @default 1 */
  readonly shards?: number | undefined;
  /** Keep an index for patterns, listings and exact counts. false: those verbs are refused. @default true */
  readonly index?: boolean | undefined;
  /**
   * Tell processes with a first level (`tiered()`) what changes here. They do so among themselves without being asked;
   * this is for a process without one beside them: without it they notice its changes when they check. @default false
   */
  readonly announce?: boolean | undefined;
  /**
   * How processes tell each other of changes, by `tiered()` and by `announce`. `'broadcast'`: on one channel, which every
   * process hears; in a cluster every node passes on every message. `'sharded'`: on a channel for each slot of a tenant,
   * which only those hear who keep copies of that tenant, and which only its own node passes on: for clusters with many
   * nodes or tenants, and for Dragonfly in cluster mode, which knows no other way. Needs the rights `+spublish +ssubscribe
   * +sunsubscribe &<prefix>:2:{*}:b`. While the server is away, or without these rights, no copies are kept.
   * All processes of a cache have to say the same: those that do not, do not hear of each other, and see changes when they
   * check (`maxUnvalidated`).
   * @default 'broadcast'
   * @throws CacheConfigError for anything else
   * @example tiered({ l1: memory(), l2: redis({ cluster: [{ host: 'node-1', port: 6379 }], pubSub: 'sharded' }) })
   */
  readonly pubSub?: PubSub | undefined;
  /** Connections to a single server or sentinel group, 1 to 100. @default 1 */
  readonly maxConnections?: number | undefined;
  /** How long a connection may take to be made, 1 ms to ten years. @default '2s' */
  readonly connectTimeout?: Duration | undefined;
  /**
   * How long a start waits for the server: until it has said who it is and, with encryption, whether it knows the same
   * keys. A server that takes the connection and answers nothing is then one that is not there. 1 ms to ten years.
   * @default what `connectTimeout` is
   */
  readonly startTimeout?: Duration | undefined;
  /**
   * Refuse to start without a server. false: the application starts, loaders run, and the cache begins to work as soon
   * as the server is there. @default false
   */
  readonly requireOnBoot?: boolean | undefined;
  /**
   * Where to keep entries while the server is away: `memory()`. Only this process sees them, and they go when it is
   * back.
   * @default none: loaders answer
   */
  readonly fallback?: BackendFactory | undefined;
}

/** Where a server is, and how it is reached. */
export const CONNECTION_OPTIONS = Object.freeze([
  'url',
  'host',
  'port',
  'db',
  'username',
  'password',
  'tls',
  'sentinels',
  'name',
  'cluster',
  'client',
  'clientOptions',
  'clusterOptions',
  'connectTimeout',
] as const);

const REDIS_OPTIONS = Object.freeze([
  ...GUARD_OPTIONS,
  ...CONNECTION_OPTIONS,
  'shards',
  'index',
  'announce',
  'pubSub',
  'maxConnections',
  'startTimeout',
  'requireOnBoot',
  'fallback',
] as const);

const OF_A_SERVER = Object.freeze(['port', 'db', 'name'] as const);
const OF_CLIENTS = Object.freeze(['username', 'password', 'tls', 'clientOptions', 'clusterOptions'] as const);

/** Shorter silences happen on healthy connections. */
const MIN_SILENCE_MS = 1_000;

export interface ResolvedRedisOptions {
  readonly source: RedisOptions;
  readonly url: string | undefined;
  readonly shards: number;
  readonly hasIndex: boolean;
  readonly announces: boolean;
  readonly pubSub: PubSub;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  readonly startTimeoutMs: number;
  /** A connection that owes an answer and is silent for so long is dropped. */
  readonly silenceMs: number;
  readonly requireOnBoot: boolean;
  readonly guard: GuardSettings;
}

/** Validates and applies defaults. Never repeats a password in an error. @throws CacheConfigError */
export function resolveRedisOptions(said: RedisOptions): ResolvedRedisOptions {
  const options = knownOptions(said, 'redis', REDIS_OPTIONS);
  const { url, host, cluster, client, sentinels } = options;
  const ways = [url, host, cluster, client, sentinels].filter((way) => way !== undefined);
  if (ways.length > 1)
    throw new CacheConfigError('redis', 'url, host, cluster, sentinels and client exclude each other: say one');
  if (sentinels !== undefined && options.name === undefined)
    throw new CacheConfigError('redis.name', 'is needed with sentinels: which master?');
  if (cluster !== undefined && cluster.length === 0)
    throw new CacheConfigError('redis.cluster', 'must name at least one node');
  if (client !== undefined) checkAdopted(client);
  const { clientOptions, clusterOptions } = options;
  checkKeyPrefix('redis.clientOptions', clientOptions?.keyPrefix);
  checkKeyPrefix('redis.clusterOptions', clusterOptions?.keyPrefix ?? clusterOptions?.redisOptions?.keyPrefix);
  checkUnheard(options);
  wholeNumber(options.port, 'redis.port', 6_379, 0, 65_535);
  wholeNumber(options.db, 'redis.db', 0, 0, 65_535);
  const guard = resolveGuardOptions(options, 'redis');
  const { connectTimeout = 2_000, startTimeout = connectTimeout } = options;
  return Object.freeze({
    source: options,
    url: url === undefined ? undefined : serverUrl(url),
    shards: wholeNumber(options.shards, 'redis.shards', 1, 1, 256),
    hasIndex: options.index ?? true,
    announces: options.announce ?? false,
    pubSub: pubSubOf(options.pubSub),
    maxConnections: wholeNumber(options.maxConnections, 'redis.maxConnections', 1, 1, 100),
    guard,
    silenceMs: Math.max(MIN_SILENCE_MS, 4 * guard.timeoutMs),
    requireOnBoot: options.requireOnBoot ?? false,
    connectTimeoutMs: parseDuration(connectTimeout, 'redis.connectTimeout'),
    startTimeoutMs: parseDuration(startTimeout, 'redis.startTimeout'),
  });
}

function pubSubOf(said: PubSub | undefined): PubSub {
  if (said === undefined || said === 'broadcast') return 'broadcast';
  if (said === 'sharded') return said;
  throw new CacheConfigError('redis.pubSub', "must be 'broadcast' or 'sharded'");
}

function serverUrl(url: string): string {
  const match = /^(redis|rediss|dragonfly):\/\//.exec(url);
  if (match === null) throw new CacheConfigError('redis.url', 'must begin with redis://, rediss:// or dragonfly://');
  if (!isReadable(url))
    throw new CacheConfigError(
      'redis.url',
      'cannot be read: it looks like redis://user:password@host:6379/0, with what is special in user and password percent-encoded',
    );
  checkKeyPrefix('redis.url', new URL(url).searchParams.get('keyPrefix') ?? '');
  return match[1] === 'dragonfly' ? `redis://${url.slice('dragonfly://'.length)}` : url;
}

/** Whether ioredis can read it: it takes any path for the number of a database, and trips over half an escape. */
function isReadable(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password, pathname } = new URL(url);
  try {
    decodeURIComponent(username + password);
  } catch {
    return false;
  }
  return /^(?:\/\d{0,5})?$/.test(pathname);
}

/** A connection that is already made, and a cluster, have no use for what says where a single server is. */
function checkUnheard(options: RedisOptions): void {
  const { client, cluster } = options;
  const unheard = client !== undefined ? [...OF_A_SERVER, ...OF_CLIENTS] : cluster !== undefined ? OF_A_SERVER : [];
  const said = unheard.find((name) => options[name] !== undefined);
  if (said !== undefined)
    throw new CacheConfigError(
      `redis.${said}`,
      `means nothing beside \`${client === undefined ? 'cluster' : 'client'}\``,
    );
}

/** A key prefix with braces would move every key out of its hash tag. */
function checkKeyPrefix(option: string, keyPrefix = ''): void {
  if (/[{}]/.test(keyPrefix))
    throw new CacheConfigError(
      option,
      'has a keyPrefix with braces, which would take keys out of their slot; remove the prefix and use the `prefix` option',
    );
}

/** The option that says where the server is. */
export function placeOf(source: RedisOptions): string {
  const said = (['url', 'sentinels', 'cluster', 'client'] as const).find((name) => source[name] !== undefined);
  return `redis.${said ?? 'host'}`;
}

/** What a client of the application lacks, and a start is not refused for. */
export function lackOf(client: Redis | Cluster): string | undefined {
  const { sentinels, sentinelCommandTimeout } = client.options as ClientOptions;
  if (sentinels == null || sentinelCommandTimeout != null) return undefined;
  return 'redis.client asks sentinels without `sentinelCommandTimeout`: one that hangs keeps it from its master; say 500';
}

/** Reads from replicas would break every promise. */
function checkAdopted(client: Redis | Cluster): void {
  const options = client.options as { keyPrefix?: string; scaleReads?: unknown; redisOptions?: { keyPrefix?: string } };
  checkKeyPrefix('redis.client', options.keyPrefix ?? options.redisOptions?.keyPrefix);
  if (options.scaleReads !== undefined && options.scaleReads !== 'master')
    throw new CacheConfigError(
      'redis.client',
      "reads from replicas (scaleReads); entries would come back after they were invalidated. Use scaleReads: 'master'",
    );
}
