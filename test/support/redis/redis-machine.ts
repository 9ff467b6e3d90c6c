/** Redis backends for tests, with the codec that the module would give them. */
import { createCodec } from '../../../lib/codec/envelope.codec.js';
import { resolveCodecOptions, type CodecOptions } from '../../../lib/codec/codec.options.js';
import { redis } from '../../../lib/backends/redis/redis.backend.js';
import type { RedisOptions } from '../../../lib/backends/redis/options.js';
import type { Application } from '../../../lib/core/application.js';
import type { Backend, BackendFactory } from '../../../lib/core/backend.js';
import { systemClock, type Clock } from '../../../lib/core/clock.js';
import { Copier } from '../../../lib/core/values/copier.js';
import { resolveLimits, type LimitOptions } from '../../../lib/core/limits.js';
import type { Observer } from '../../../lib/core/observer.js';
import { randomPrefix } from './redis-process.js';

export interface RedisBackendOptions extends RedisOptions {
  readonly prefix?: string;
  readonly codec?: CodecOptions;
  readonly observer?: Observer;
  readonly clock?: Clock;
  readonly limits?: LimitOptions;
}

/** A backend without anything around it. */
export function redisBackend(options: RedisBackendOptions): Backend {
  const { prefix = randomPrefix(), codec, observer = () => undefined, clock = systemClock, limits, ...rest } = options;
  const resolved = resolveCodecOptions(codec ?? {});
  const emit = { isHeard: true, event: observer };
  const parts = { clock, copier: new Copier(resolved.types), emit, limits: resolveLimits(limits), prefix };
  return redis(rest).create({ ...parts, random: Math.random, codec: () => createCodec(resolved, parts) });
}

/** A factory that keeps to one keyspace, whatever the machine is called. */
export function redisFactory({
  prefix,
  application,
  ...options
}: RedisOptions & { readonly prefix: string; readonly application?: Application }): BackendFactory {
  const factory = redis(options);
  return { kind: factory.kind, create: (parts) => factory.create({ ...parts, prefix, application }) };
}
