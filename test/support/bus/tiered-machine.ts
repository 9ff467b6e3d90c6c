/** Memory over Redis, for tests. */
import { createCodec } from '../../../lib/codec/envelope.codec.js';
import { resolveCodecOptions } from '../../../lib/codec/codec.options.js';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { MemoryOptions } from '../../../lib/backends/memory/options.js';
import { redis } from '../../../lib/backends/redis/redis.backend.js';
import type { RedisOptions } from '../../../lib/backends/redis/options.js';
import { tiered } from '../../../lib/backends/tiered/tiered.backend.js';
import type { TieredOptions } from '../../../lib/backends/tiered/options.js';
import { wireBus } from '../../../lib/bus/wire.bus.js';
import type { Backend, BackendFactory } from '../../../lib/core/backend.js';
import type { RegisteredType } from '../../../lib/core/values/type-registration.js';
import { systemClock, type Clock } from '../../../lib/core/clock.js';
import { Copier } from '../../../lib/core/values/copier.js';
import { resolveLimits } from '../../../lib/core/limits.js';
import type { ContractHarness } from '../../../lib/testing/contract/contract.js';
import { pause, randomPrefix } from '../redis/redis-process.js';
import { LONG_TIMEOUTS, serverHarness } from '../servers/contract-harness.js';
import { afterMessages, inOneOrder } from './after-messages.js';

export interface TieredMachineOptions extends RedisOptions, Pick<TieredOptions, 'maxUnvalidated' | 'bus'> {
  readonly prefix?: string;
  readonly memory?: MemoryOptions;
}

/** Until other clients have received what Redis passes on, where nothing shows that they have. */
const DELIVERED_MS = 40;

/** A factory that keeps to one keyspace, whatever the machine is called. */
export function tieredFactory(options: TieredMachineOptions): BackendFactory {
  const { prefix = randomPrefix(), memory: l1, maxUnvalidated, bus, ...rest } = options;
  const factory = tiered({ l1: memory(l1), l2: redis(rest), maxUnvalidated, bus });
  return { kind: factory.kind, create: (parts) => factory.create({ ...parts, prefix }) };
}

/** A backend without anything around it. */
export function tieredBackend(
  options: TieredMachineOptions,
  types: readonly RegisteredType[] = [],
  clock: Clock = systemClock,
): Backend {
  const resolved = resolveCodecOptions({ types });
  const emit = { isHeard: false, event: () => undefined };
  const parts = { clock, copier: new Copier(types), emit, limits: resolveLimits(), prefix: randomPrefix() };
  return tieredFactory(options).create({
    ...parts,
    random: Math.random,
    bus: wireBus,
    codec: () => createCodec(resolved, parts),
  });
}

/** Each client has a first level of its own. Before one reads, it has received the changes of the others. */
export function tieredHarness(
  url: () => string,
  { maxUnvalidated, pubSub, ...options }: TieredMachineOptions,
): ContractHarness {
  // Sharded channels have no order among them.
  const delivered = pubSub === 'sharded' ? (): Promise<void> => pause(DELIVERED_MS) : inOneOrder();
  return serverHarness(
    (prefix, types) =>
      tieredBackend({ ...LONG_TIMEOUTS, ...options, url: url(), maxUnvalidated, pubSub, prefix }, types),
    maxUnvalidated === 0 ? undefined : () => afterMessages(delivered),
  );
}
