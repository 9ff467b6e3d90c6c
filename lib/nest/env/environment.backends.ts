/**
 * Which backend the variables ask for, and where its server is. The functions that make backends are given by the code that
 * has imported their entry points, so nothing here loads a client. Addresses are looked at whatever the backend, so that a
 * mistake shows before the day the backend is changed; no value is ever repeated, passwords stand in them.
 */
import { tiered } from '../../backends/tiered/tiered.backend.js';
import type { Awaitable } from '../../core/async/awaitable.js';
import type { BackendFactory } from '../../core/backend.js';
import { CacheConfigError } from '../../core/errors.js';
import type { Environment } from './environment.js';

/** What variables say about a Redis or Dragonfly: options of `redis()`. */
export interface RedisFromEnvironment {
  readonly url?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly db?: number | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly maxConnections?: number | undefined;
}

/** What variables say about a MongoDB: options of `mongo()`. */
export interface MongoFromEnvironment {
  readonly uri: string;
  readonly maxConnections?: number | undefined;
}

/** The levels of a tiered backend, each made from the same variables as if it were alone: options of `tiered()`. */
export interface TieredFromEnvironment {
  readonly l1: BackendFactory;
  readonly l2: BackendFactory;
}

/** Functions that make backends, as the entry points export them or wrapped to say more than variables can. */
export interface EnvironmentBackends {
  /** `redis` of `nestjs-scoped-cache/redis`; for `CACHE_BACKEND=redis` and `dragonfly`, and as the shared level of `tiered`. */
  readonly redis?: (server: RedisFromEnvironment) => Awaitable<BackendFactory>;
  /** `mongo` of `nestjs-scoped-cache/mongo`; for `CACHE_BACKEND=mongo`, and as the shared level of `tiered`. */
  readonly mongo?: (server: MongoFromEnvironment) => Awaitable<BackendFactory>;
  /**
   * For `CACHE_BACKEND=tiered`, which needs `redis` or `mongo` as well.
   * @default `tiered` of the main entry point, without further options
   */
  readonly tiered?: (levels: TieredFromEnvironment) => Awaitable<BackendFactory>;
}

/** What can be shared by processes: the values of `CACHE_L2`. */
const SERVERS = Object.freeze(['redis', 'dragonfly', 'mongo'] as const);
/** The values of `CACHE_BACKEND`. */
const NAMES = Object.freeze(['memory', ...SERVERS, 'tiered'] as const);

const ENTRY_POINTS = Object.freeze({
  redis: 'nestjs-scoped-cache/redis',
  mongo: 'nestjs-scoped-cache/mongo',
});
const IN_PARTS = Object.freeze(['REDIS_HOST', 'REDIS_PORT', 'REDIS_DB', 'REDIS_USERNAME', 'REDIS_PASSWORD']);

type ServerName = (typeof SERVERS)[number];
type BackendName = (typeof NAMES)[number];
type EntryPointName = keyof typeof ENTRY_POINTS;

/** @throws CacheConfigError naming the variable that cannot work, or the entry point that is missing */
export async function backendFrom(
  environment: Environment,
  backends: EnvironmentBackends,
  memoryFrom: (environment: Environment) => BackendFactory,
): Promise<BackendFactory> {
  const chosen = named(environment, 'CACHE_BACKEND', NAMES);
  const name = chosen ?? 'memory';
  const shared = named(environment, 'CACHE_L2', SERVERS);
  const memory = memoryFrom(environment);
  const server = name === 'tiered' ? (shared ?? sharedLevel(environment, backends)) : name;
  const address = addressFrom(environment, server);
  if (chosen === undefined) checkIdleAddress(environment, backends);
  if (server === 'memory') return memory;
  const l2 = await serverFrom(backends, name, server, address);
  return name === 'tiered' ? (own(backends, 'tiered') ?? tiered)({ l1: memory, l2 }) : l2;
}

/**
 * An address of the cache, and no backend that uses it: kept in memory, every process would have a cache of its own, which
 * is hardly meant. `REDIS_URL` and `MONGO_URL` choose nothing: hosting sets them, and other parts of an application use them.
 */
function checkIdleAddress(environment: Environment, backends: EnvironmentBackends): void {
  const url = environment.text('CACHE_URL');
  const isMongo = url !== undefined && MONGO_URL.test(url);
  const isRedisGiven = own(backends, 'redis') !== undefined;
  if (url === undefined && !(isRedisGiven && environment.text('REDIS_HOST') !== undefined)) return;
  const server = isMongo ? 'mongo' : 'redis';
  throw new CacheConfigError(
    'CACHE_BACKEND',
    `is missing, and ${url === undefined ? 'REDIS_HOST' : 'CACHE_URL'} says where a server is: set CACHE_BACKEND=${server}, ` +
      'CACHE_BACKEND=tiered for memory over it, or CACHE_BACKEND=memory to keep entries in each process',
  );
}

/** Only names of ours are repeated: a URL with a password may stand in the wrong variable. */
function named<N extends string>(environment: Environment, variable: string, names: readonly N[]): N | undefined {
  const text = environment.text(variable);
  const name = names.find((each) => each === text);
  if (text === undefined || name !== undefined) return name;
  throw new CacheConfigError(variable, `must be one of ${names.join(', ')}`);
}

/** What lies below memory, where no variable says it: what was given, and of two what has an address. */
function sharedLevel(environment: Environment, backends: EnvironmentBackends): ServerName {
  const given = (['redis', 'mongo'] as const).filter((name) => own(backends, name) !== undefined);
  const [only = 'redis', another] = given;
  if (another === undefined) return only;
  const url = environment.text('CACHE_URL');
  if (url !== undefined) return MONGO_URL.test(url) ? 'mongo' : 'redis';
  const isMongo = environment.text('MONGO_URL') !== undefined;
  const isRedis = ['REDIS_URL', ...IN_PARTS].some((variable) => environment.text(variable) !== undefined);
  if (isMongo !== isRedis) return isMongo ? 'mongo' : 'redis';
  const found = isMongo ? 'there are addresses of both' : 'there is no address of either';
  throw new CacheConfigError(
    'CACHE_L2',
    `must say what lies below memory, redis or mongo: \`redis\` and \`mongo\` were given, and ${found}`,
  );
}

function serverFrom(
  backends: EnvironmentBackends,
  name: BackendName,
  server: ServerName,
  address: Address,
): Awaitable<BackendFactory> {
  if (server === 'mongo') return entryPoint(backends, 'mongo', name)(mongoServer(address, name));
  return entryPoint(backends, 'redis', name)(address.redis);
}

/** The function of an entry point. */
function entryPoint<N extends EntryPointName>(
  backends: EnvironmentBackends,
  needed: N,
  name: BackendName,
): NonNullable<EnvironmentBackends[N]> {
  const given = own(backends, needed);
  if (given !== undefined) return given;
  const what = name === 'tiered' ? 'whose shared level' : 'which';
  throw new CacheConfigError(
    'CACHE_BACKEND',
    `is '${name}', ${what} ${ENTRY_POINTS[needed]} provides: give its \`${needed}\` to cacheConfigWith({ ${needed} })`,
  );
}

function own<N extends keyof EnvironmentBackends>(backends: EnvironmentBackends, name: N): EnvironmentBackends[N] {
  return Object.hasOwn(backends, name) ? backends[name] : undefined;
}

interface Address {
  readonly redis: RedisFromEnvironment;
  readonly uri: string | undefined;
  readonly maxConnections: number | undefined;
}

function addressFrom(environment: Environment, server: ServerName | 'memory'): Address {
  const url = urlFrom(environment, server) ?? redisUrlFrom(environment, server);
  const host = environment.text('REDIS_HOST');
  if (host !== undefined && !/^[\w.:-]+$/.test(host))
    throw new CacheConfigError('REDIS_HOST', 'must be the name or address of a host; a whole URL goes into CACHE_URL');
  const parts = {
    host,
    port: environment.wholeNumber('REDIS_PORT', 1, 65_535),
    db: environment.wholeNumber('REDIS_DB', 0, 65_535),
    username: environment.text('REDIS_USERNAME'),
    password: environment.text('REDIS_PASSWORD'),
  };
  const mongoUrl = environment.text('MONGO_URL');
  if (mongoUrl !== undefined && !MONGO_URL.test(mongoUrl))
    throw new CacheConfigError('MONGO_URL', 'must begin with mongodb:// or mongodb+srv://');
  const most = server === 'redis' || server === 'dragonfly' ? 100 : 1_000;
  const maxConnections = environment.wholeNumber('CACHE_MAX_CONNECTIONS', 1, most);
  return { redis: { ...(url === undefined ? parts : { url }), maxConnections }, uri: url ?? mongoUrl, maxConnections };
}

const REDIS_URL_FORM =
  'must begin with redis://, rediss:// or dragonfly:// and name a host, with nothing or the number of a database behind it: redis://user:password@host:6379/0';
const MONGO_URL = /^mongodb(?:\+srv)?:\/\/./;

/** `CACHE_URL`, if it can be one for this backend; for memory, which has no address, if it can be one at all. */
function urlFrom(environment: Environment, server: ServerName | 'memory'): string | undefined {
  const url = environment.text('CACHE_URL');
  if (url === undefined) return undefined;
  const isMongo = MONGO_URL.test(url);
  if (server === 'memory' ? isMongo || isRedisUrl(url) : server === 'mongo' ? isMongo : isRedisUrl(url)) return url;
  throw new CacheConfigError(
    'CACHE_URL',
    server === 'mongo' ? 'must begin with mongodb:// or mongodb+srv://' : REDIS_URL_FORM,
  );
}

/** `REDIS_URL`, looked at only where Redis was chosen: elsewhere it is no business of the cache. */
function redisUrlFrom(environment: Environment, server: ServerName | 'memory'): string | undefined {
  if (server !== 'redis' && server !== 'dragonfly') return undefined;
  const url = environment.text('REDIS_URL');
  if (url === undefined || isRedisUrl(url)) return url;
  throw new CacheConfigError('REDIS_URL', REDIS_URL_FORM);
}

function isRedisUrl(url: string): boolean {
  if (!/^(?:rediss?|dragonfly):\/\//.test(url) || !URL.canParse(url)) return false;
  const { hostname, pathname } = new URL(url);
  return hostname !== '' && /^(?:\/\d{0,5})?$/.test(pathname);
}

function mongoServer({ uri, maxConnections }: Address, name: BackendName): MongoFromEnvironment {
  if (uri !== undefined) return { uri, maxConnections };
  throw new CacheConfigError(
    'MONGO_URL',
    `is needed with CACHE_BACKEND=${name}${name === 'tiered' ? ' over MongoDB' : ''} (or CACHE_URL)`,
  );
}
