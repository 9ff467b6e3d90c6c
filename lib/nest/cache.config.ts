import { registerAs } from '@nestjs/config';
import { memory } from '../backends/memory.backend.js';
import type { BackendFactory } from '../core/backend.js';
import { parseDuration } from '../core/duration.js';
import { CacheConfigError } from '../core/errors.js';
import type { CacheModuleOptions } from './cache.options.js';
import { Environment } from './environment.js';

/** Makes a backend from variables. What it cannot use it refuses, naming the variable. */
export type BackendFromEnvironment = (environment: Environment) => BackendFactory | Promise<BackendFactory>;

/** The values of `CACHE_BACKEND`, and from which door the backend of each comes. */
const DOORS = Object.freeze({
  memory: '',
  redis: 'nestjs-scoped-cache/redis',
  dragonfly: 'nestjs-scoped-cache/redis',
  mongo: 'nestjs-scoped-cache/mongo',
  tiered: 'nestjs-scoped-cache/redis',
});

type BackendName = keyof typeof DOORS;

/** Backends beside memory, by the value of `CACHE_BACKEND` that asks for them. */
export type EnvironmentBackends = Readonly<Partial<Record<BackendName, BackendFromEnvironment>>>;

const MEMORY: EnvironmentBackends = Object.freeze({
  memory: (environment: Environment) => {
    const maxEntries = environment.wholeNumber('CACHE_MAX_SIZE', 1, 99_999_999);
    return maxEntries === undefined ? memory() : memory({ maxEntries });
  },
});

/**
 * Module options from the environment, for `@nestjs/config`:
 *
 * | variable | meaning |
 * |---|---|
 * | `CACHE_BACKEND` | `memory` (default); `redis`, `dragonfly`, `mongo` and `tiered` with {@link cacheConfigWith} |
 * | `CACHE_ENABLED` | `true` (default) or `false` |
 * | `CACHE_DEFAULT_TTL` | with its unit: `250ms`, `90s`, `5m`, `1h`; or `none` for no expiry |
 * | `REDIS_DEFAULT_TTL` | read when the former is missing; a bare number is seconds, as is usual under this name |
 * | `CACHE_MAX_SIZE` | most entries kept in memory |
 * | `CACHE_PREFIX` | 1 to 32 of `A-Z a-z 0-9 _ -` |
 * | `CACHE_MAX_CONNECTIONS` | 1 to 1000, for backends that connect |
 *
 * What cannot be said in a variable (who is asking, policies of namespaces) is laid over it: see the second example.
 *
 * @throws CacheConfigError when the application starts, naming the variable that cannot work
 * @example CacheModule.forRootAsync(cacheConfig.asProvider())
 * @example
 * CacheModule.forRootAsync({
 *   imports: [ConfigModule.forFeature(cacheConfig)],
 *   inject: [cacheConfig.KEY],
 *   useFactory: (fromEnvironment: ConfigType<typeof cacheConfig>) => ({
 *     ...fromEnvironment,
 *     scope: { resolve: fromClaims({ tenant: 'org' }) },
 *   }),
 * })
 */
export const cacheConfig = cacheConfigWith({});

/**
 * {@link cacheConfig} with more backends to choose from than memory.
 * @param backends how the backend of each value of `CACHE_BACKEND` is made; only the chosen one is
 */
// The return type is registerAs's own, which has no name in @nestjs/config's public types.
export function cacheConfigWith(backends: EnvironmentBackends) {
  return registerAs('cache', () => optionsFromEnvironment(process.env, backends));
}

/** The same from any set of variables. @throws CacheConfigError naming the variable */
export async function optionsFromEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  backends: EnvironmentBackends = {},
): Promise<CacheModuleOptions> {
  const environment = new Environment(variables);
  const ttl = ttlFrom(environment);
  const enabled = environment.flag('CACHE_ENABLED');
  const prefix = environment.text('CACHE_PREFIX');
  if (prefix !== undefined && !/^[\w-]{1,32}$/.test(prefix)) {
    throw new CacheConfigError('CACHE_PREFIX', 'must be 1 to 32 of the characters A-Z a-z 0-9 _ -');
  }
  // Looked at whatever the backend, so that a mistake shows before the day somebody changes the backend.
  environment.wholeNumber('CACHE_MAX_CONNECTIONS', 1, 1_000);
  return {
    backend: await backendFrom(environment, { ...MEMORY, ...backends }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(ttl === undefined ? {} : { defaults: { ttl } }),
  };
}

async function backendFrom(environment: Environment, backends: EnvironmentBackends): Promise<BackendFactory> {
  const name = environment.text('CACHE_BACKEND') ?? 'memory';
  // Only names of ours are repeated: somebody may have put a URL with a password into the wrong variable.
  if (!isBackendName(name))
    throw new CacheConfigError('CACHE_BACKEND', `must be one of ${Object.keys(DOORS).join(', ')}`);
  const make = Object.hasOwn(backends, name) ? backends[name] : undefined;
  if (make !== undefined) return make(environment);
  throw new CacheConfigError(
    'CACHE_BACKEND',
    `is '${name}', which ${DOORS[name]} provides: give its backend to cacheConfigWith({ ${name}: … })`,
  );
}

function isBackendName(name: string): name is BackendName {
  return Object.hasOwn(DOORS, name);
}

function ttlFrom(environment: Environment): number | null | undefined {
  const ttl = environment.text('CACHE_DEFAULT_TTL');
  if (ttl !== undefined) {
    if (/^\d+$/.test(ttl)) throw new CacheConfigError('CACHE_DEFAULT_TTL', "needs a unit: '250ms', '90s', '5m', '1h'");
    return ttl === 'none' ? null : parseDuration(ttl, 'CACHE_DEFAULT_TTL');
  }
  const seconds = environment.text('REDIS_DEFAULT_TTL');
  if (seconds === undefined) return undefined;
  return parseDuration(/^\d+$/.test(seconds) ? `${seconds}s` : seconds, 'REDIS_DEFAULT_TTL');
}
