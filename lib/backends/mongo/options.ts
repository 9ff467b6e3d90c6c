import type { Connection, mongo } from 'mongoose';
import type { BackendFactory } from '../../core/backend.js';
import { parseDuration, type Duration } from '../../core/duration.js';
import { CacheConfigError } from '../../core/errors.js';
import { wholeNumber } from '../../core/limits.js';
import { knownOptions, ownOptions } from '../../core/own-options.js';
import { addressIn, placeOfNode } from '../remote/address.js';
import { GUARD_OPTIONS, resolveGuardOptions, type GuardOptions, type GuardSettings } from '../resilience/options.js';

/** Options of {@link mongo}. */
export interface MongoOptions extends GuardOptions {
  /**
   * `mongodb://` or `mongodb+srv://`, with the database in its path. Exactly one of `uri` and `connection` is needed.
   * @default none
   */
  readonly uri?: string | undefined;
  /**
   * A mongoose connection of yours (what `getConnectionToken()` injects). It is used as it is and never closed; reads
   * go to the primary and writes to the majority whatever its own settings say.
   * @default none
   */
  readonly connection?: Connection | undefined;
  /** Another database than the one the address or the connection names. @default that one */
  readonly database?: string | undefined;
  /** The collection that holds everything of this cache. Nothing else may be kept there. @default 'scoped_cache' */
  readonly collection?: string | undefined;
  /** Documents over which the state of a tenant is spread, 1 to 256. Changing it makes the cache start empty. @default 1 */
  readonly shards?: number | undefined;
  /**
   * Connections to the server, when they are ours. Watching its changes (`tiered()`) takes one more. 1 to 1,000.
   * @default 10
   */
  readonly maxConnections?: number | undefined;
  /**
   * Further options for the client we make; what safety rests on (timeouts, where is read and written) stays ours.
   * @default {}
   */
  readonly clientOptions?: mongo.MongoClientOptions | undefined;
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
  /**
   * Use a server although updates of one document are not atomic there. Invalidated values may then come back; a warning
   * says so at every start. @default false
   */
  readonly unsafe?: boolean | undefined;
}

export interface ResolvedMongoOptions {
  readonly uri: string | undefined;
  readonly connection: Connection | undefined;
  /** Where the server is, for messages; without credentials. */
  readonly address: string | undefined;
  readonly database: string | undefined;
  readonly collection: string;
  readonly shards: number;
  readonly maxConnections: number;
  readonly clientOptions: mongo.MongoClientOptions;
  readonly connectTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly requireOnBoot: boolean;
  readonly fallback: BackendFactory | undefined;
  readonly isUnsafe: boolean;
  readonly guard: GuardSettings;
}

const MONGO_OPTIONS = Object.freeze([
  ...GUARD_OPTIONS,
  'uri',
  'connection',
  'database',
  'collection',
  'shards',
  'maxConnections',
  'clientOptions',
  'connectTimeout',
  'startTimeout',
  'requireOnBoot',
  'fallback',
  'unsafe',
] as const);

/** A name that every server takes, and that is no collection of the server's own. */
const COLLECTION = /^(?!system\.)[A-Za-z_][\w.-]{0,99}$/;
const DATABASE = /^[\w-]{1,63}$/;

/** Validates and applies defaults. Never repeats an address in an error. @throws CacheConfigError naming the option */
export function resolveMongoOptions(options: MongoOptions): ResolvedMongoOptions {
  const own = knownOptions(options, 'mongo', MONGO_OPTIONS);
  if ((own.uri === undefined) === (own.connection === undefined))
    throw new CacheConfigError('mongo', 'needs either `uri` or `connection`');
  if (own.uri !== undefined && !/^mongodb(\+srv)?:\/\//.test(own.uri))
    throw new CacheConfigError('mongo.uri', 'must begin with mongodb:// or mongodb+srv://');
  if (own.connection !== undefined && typeof own.connection.getClient !== 'function')
    throw new CacheConfigError('mongo.connection', 'must be a mongoose connection (see getConnectionToken)');
  const { connectTimeout = 2_000, startTimeout = connectTimeout } = own;
  return Object.freeze({
    uri: own.uri,
    connection: own.connection,
    address: own.uri === undefined ? placeOf(own.connection) : addressIn(own.uri),
    database: own.database === undefined ? undefined : nameOf(own.database, 'mongo.database', DATABASE),
    collection: nameOf(own.collection ?? 'scoped_cache', 'mongo.collection', COLLECTION),
    shards: wholeNumber(own.shards, 'mongo.shards', 1, 1, 256),
    maxConnections: wholeNumber(own.maxConnections, 'mongo.maxConnections', 10, 1, 1_000),
    clientOptions: ownOptions(own.clientOptions, 'mongo.clientOptions'),
    connectTimeoutMs: parseDuration(connectTimeout, 'mongo.connectTimeout'),
    startTimeoutMs: parseDuration(startTimeout, 'mongo.startTimeout'),
    requireOnBoot: own.requireOnBoot ?? false,
    fallback: own.fallback,
    isUnsafe: own.unsafe ?? false,
    guard: resolveGuardOptions(own, 'mongo'),
  });
}

/** A connection that has not been opened yet says nothing. */
function placeOf(connection: Connection | undefined): string | undefined {
  return typeof connection?.host === 'string'
    ? placeOfNode({ host: connection.host, port: connection.port }, 27_017)
    : undefined;
}

function nameOf(name: unknown, option: string, form: RegExp): string {
  if (typeof name === 'string' && form.test(name)) return name;
  throw new CacheConfigError(option, 'must be a short name of letters, digits, _ and -');
}
