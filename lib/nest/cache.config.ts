import { registerAs } from '@nestjs/config';
import { memory } from '../backends/memory.backend.js';
import type { BackendFactory } from '../core/backend.js';
import { parseDuration } from '../core/duration.js';
import { CacheConfigError } from '../core/errors.js';
import type { CacheModuleOptions } from './cache.options.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Module options from the environment, for `@nestjs/config`:
 *
 * | variable | meaning |
 * |---|---|
 * | `CACHE_BACKEND` | `memory` (default) |
 * | `CACHE_ENABLED` | `true` (default) or `false` |
 * | `CACHE_DEFAULT_TTL` | with its unit: `90s`, `5m`, `1h`; or `none` for no expiry |
 * | `REDIS_DEFAULT_TTL` | read when the former is missing; a bare number is seconds, as is usual under this name |
 * | `CACHE_MAX_SIZE` | most entries kept |
 * | `CACHE_PREFIX` | 1 to 32 of `A-Z a-z 0-9 _ -` |
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
export const cacheConfig = registerAs('cache', (): CacheModuleOptions => optionsFromEnvironment(process.env));

/** The same from any set of variables. @throws CacheConfigError naming the variable */
export function optionsFromEnvironment(environment: Environment): CacheModuleOptions {
  const ttl = ttlFrom(environment);
  const enabled = flagFrom(environment, 'CACHE_ENABLED');
  const prefix = read(environment, 'CACHE_PREFIX');
  if (prefix !== undefined && !/^[\w-]{1,32}$/.test(prefix)) {
    throw new CacheConfigError('CACHE_PREFIX', 'must be 1 to 32 of the characters A-Z a-z 0-9 _ -');
  }
  return {
    backend: backendFrom(environment),
    ...(enabled === undefined ? {} : { enabled }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(ttl === undefined ? {} : { defaults: { ttl } }),
  };
}

function backendFrom(environment: Environment): BackendFactory {
  const kind = read(environment, 'CACHE_BACKEND') ?? 'memory';
  if (kind !== 'memory') {
    // Its value is not repeated: somebody may have put a URL with a password into the wrong variable.
    throw new CacheConfigError('CACHE_BACKEND', "must be 'memory', the only backend of this version");
  }
  const maxEntries = read(environment, 'CACHE_MAX_SIZE');
  if (maxEntries === undefined) return memory();
  if (!/^[1-9]\d{0,7}$/.test(maxEntries)) {
    throw new CacheConfigError('CACHE_MAX_SIZE', 'must be a whole number of entries from 1 to 99999999');
  }
  return memory({ maxEntries: Number(maxEntries) });
}

function ttlFrom(environment: Environment): number | null | undefined {
  const ttl = read(environment, 'CACHE_DEFAULT_TTL');
  if (ttl !== undefined) {
    if (/^\d+$/.test(ttl)) throw new CacheConfigError('CACHE_DEFAULT_TTL', "needs a unit: '90s', '5m', '1h'");
    return ttl === 'none' ? null : parseDuration(ttl, 'CACHE_DEFAULT_TTL');
  }
  const seconds = read(environment, 'REDIS_DEFAULT_TTL');
  if (seconds === undefined) return undefined;
  return parseDuration(/^\d+$/.test(seconds) ? `${seconds}s` : seconds, 'REDIS_DEFAULT_TTL');
}

function flagFrom(environment: Environment, name: string): boolean | undefined {
  const text = read(environment, name);
  if (text === undefined) return undefined;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new CacheConfigError(name, "must be 'true' or 'false'");
}

/** A variable that is set to nothing is not set. */
function read(environment: Environment, name: string): string | undefined {
  const text = Object.hasOwn(environment, name) ? environment[name]?.trim() : undefined;
  return text === '' ? undefined : text;
}
