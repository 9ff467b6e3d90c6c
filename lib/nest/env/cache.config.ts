import { Logger } from '@nestjs/common';
import { registerAs } from '@nestjs/config';
import { memory } from '../../backends/memory/memory.backend.js';
import type { BackendFactory } from '../../core/backend.js';
import { parseDuration } from '../../core/duration.js';
import { CacheConfigError } from '../../core/errors.js';
import { knownOptions } from '../../core/own-options.js';
import { environmentOf, namesOf } from '../application.js';
import type { CacheModuleOptions } from '../cache.options.js';
import { backendFrom, type EnvironmentBackends } from './environment.backends.js';
import { Environment } from './environment.js';
import { unknownVariables } from './variables.js';

/**
 * Module options from the environment, for `@nestjs/config`:
 *
 * - `CACHE_BACKEND`: `memory` (default); `redis`, `dragonfly`, `mongo` and `tiered` with {@link cacheConfigWith}
 * - `CACHE_ENABLED`: `true` (default) or `false`
 * - `CACHE_DEFAULT_TTL`: with its unit: `250ms`, `90s`, `5m`, `1h`; or `none` for no expiry
 * - `REDIS_DEFAULT_TTL`: read when the former is missing; a bare number is seconds, as is usual under this name
 * - `CACHE_MAX_SIZE`: most entries kept in memory
 * - `CACHE_COMPRESSION_THRESHOLD`: from how many bytes on a value is compressed on a server; `none`: never
 * - `CACHE_PREFIX`: 1 to 32 of `A-Z a-z 0-9 _ -`
 * - `CACHE_APP`: what this application is called, for servers that others use too; with commas between them: those that
 *   share their entries
 * - `CACHE_ENVIRONMENT`: where it runs; unless set, what `NODE_ENV` says
 * - `CACHE_MAX_CONNECTIONS`: for backends that connect: 1 to 100 to Redis, 1 to 1000 to MongoDB
 * - `CACHE_URL`: where the server is: `redis://`, `rediss://`, `dragonfly://`, `mongodb://` or `mongodb+srv://`
 * - `REDIS_URL`: the same for Redis, read when Redis or Dragonfly is chosen and `CACHE_URL` is missing; it chooses
 *   nothing
 * - `REDIS_HOST`, `REDIS_PORT`, `REDIS_DB`, `REDIS_USERNAME`, `REDIS_PASSWORD`: the same in parts, read when both are
 *   missing
 * - `MONGO_URL`: the same for MongoDB, read when `CACHE_URL` is missing
 * - `CACHE_L2`: what lies below memory with `CACHE_BACKEND=tiered`: `redis`, `dragonfly` or `mongo`; unless set, what
 *   was given, and of two what has an address
 *
 * `CACHE_URL`, or `REDIS_HOST` where `redis` is given, without `CACHE_BACKEND` stops the start. A `CACHE_…` that is
 * none of these is warned of by name.
 *
 * What cannot be said in a variable (who is asking, policies of namespaces) is laid over it: see the second example.
 *
 * @throws CacheConfigError when the application starts, naming the variable that cannot work
 * @example
 * import { cacheConfig } from 'nestjs-scoped-cache/config';
 * CacheModule.forRootAsync(cacheConfig.asProvider());
 * @example
 * import { ConfigModule, type ConfigType } from '@nestjs/config';
 * import { cacheConfig } from 'nestjs-scoped-cache/config';
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
 * {@link cacheConfig} with more backends to choose from than memory. A backend is given by the function of its entry
 * point; only the chosen one is called, with what the variables say.
 *
 * @param backends `redis` of `nestjs-scoped-cache/redis` serves `dragonfly` too; it or `mongo` lies below memory in
 * `tiered`
 * @example
 * import { cacheConfigWith } from 'nestjs-scoped-cache/config';
 * import { redis } from 'nestjs-scoped-cache/redis';
 * CacheModule.forRootAsync(cacheConfigWith({ redis }).asProvider())
 * @example
 * import { cacheConfigWith } from 'nestjs-scoped-cache/config';
 * import { redis } from 'nestjs-scoped-cache/redis';
 * cacheConfigWith({ redis: (server) => redis({ ...server, fallback: memory(), timeout: '100ms' }) })
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
  const entryPoints = knownOptions(backends, 'cacheConfigWith', ['redis', 'mongo', 'tiered']);
  const environment = new Environment(variables);
  const unknown = unknownVariables(variables);
  if (unknown !== undefined) new Logger('Cache').warn(unknown);
  const ttl = ttlFrom(environment);
  const enabled = environment.flag('CACHE_ENABLED');
  const prefix = environment.text('CACHE_PREFIX');
  if (prefix !== undefined && !/^[\w-]{1,32}$/.test(prefix)) {
    throw new CacheConfigError('CACHE_PREFIX', 'must be 1 to 32 of the characters A-Z a-z 0-9 _ -');
  }
  const codec = compressionFrom(environment);
  const app = environment.text('CACHE_APP');
  const where = environment.text('CACHE_ENVIRONMENT');
  return {
    // Switched off, perhaps because there is no server: none is asked for, and no entry point called.
    ...(enabled === false ? {} : { backend: await backendFrom(environment, entryPoints, memoryFrom) }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(codec === undefined ? {} : { codec }),
    ...(app === undefined
      ? {}
      : {
          app: namesOf(
            app.split(',').map((name) => name.trim()),
            'CACHE_APP',
          ),
        }),
    ...(where === undefined ? {} : { environment: environmentOf(where, 'CACHE_ENVIRONMENT') }),
    ...(ttl === undefined ? {} : { defaults: { ttl } }),
  };
}

function memoryFrom(environment: Environment): BackendFactory {
  const maxEntries = environment.wholeNumber('CACHE_MAX_SIZE', 1, 99_999_999);
  return maxEntries === undefined ? memory() : memory({ maxEntries });
}

function compressionFrom(environment: Environment): NonNullable<CacheModuleOptions['codec']> | undefined {
  const text = environment.text('CACHE_COMPRESSION_THRESHOLD');
  if (text === undefined) return undefined;
  if (text === 'none') return { compression: false };
  const threshold = environment.wholeNumber('CACHE_COMPRESSION_THRESHOLD', 0, 999_999_999);
  return { compression: { threshold } };
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
