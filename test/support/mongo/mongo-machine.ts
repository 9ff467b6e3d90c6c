/** MongoDB backends for tests, with the codec that the module would give them. */
import { mongo } from '../../../lib/backends/mongo/mongo.backend.js';
import type { MongoOptions } from '../../../lib/backends/mongo/options.js';
import { wireBus } from '../../../lib/bus/wire.bus.js';
import { createCodec } from '../../../lib/codec/envelope.codec.js';
import { resolveCodecOptions, type CodecOptions } from '../../../lib/codec/codec.options.js';
import type { Backend, BackendFactory } from '../../../lib/core/backend.js';
import { systemClock, type Clock } from '../../../lib/core/clock.js';
import { Copier } from '../../../lib/core/values/copier.js';
import { resolveLimits, type LimitOptions } from '../../../lib/core/limits.js';
import type { Observer } from '../../../lib/core/observer.js';
import { Rig } from '../machine/rig.js';
import { randomPrefix } from '../redis/redis-process.js';

type Over = (own: BackendFactory) => BackendFactory;

export interface MongoMachineOptions extends MongoOptions {
  /** Puts something over it: another level. */
  readonly over?: Over;
}

export interface MongoBackendOptions extends MongoMachineOptions {
  readonly prefix?: string;
  readonly codec?: CodecOptions;
  readonly observer?: Observer;
  readonly clock?: Clock;
  readonly limits?: LimitOptions;
}

const NOTHING_OVER: Over = (own) => own;

/** A backend without anything around it. */
export function mongoBackend(options: MongoBackendOptions): Backend {
  const { prefix = randomPrefix(), codec, observer = () => undefined, clock = systemClock, limits, ...more } = options;
  const { over = NOTHING_OVER, ...rest } = more;
  const resolved = resolveCodecOptions(codec ?? {});
  const emit = { isHeard: true, event: observer };
  const parts = { clock, copier: new Copier(resolved.types), emit, limits: resolveLimits(limits), prefix };
  return over(mongo(rest)).create({
    ...parts,
    bus: wireBus,
    random: Math.random,
    codec: () => createCodec(resolved, parts),
  });
}

/** A factory that keeps to one keyspace, whatever the machine is called. */
export function mongoFactory({
  prefix,
  over = NOTHING_OVER,
  ...options
}: MongoMachineOptions & { readonly prefix: string }): BackendFactory {
  const factory = over(mongo(options));
  return { kind: factory.kind, create: (parts) => factory.create({ ...parts, prefix }) };
}

/** Machines on servers of one test, closed together. */
export class MongoMachines {
  private readonly all: Rig<Clock>[] = [];
  readonly prefix = randomPrefix();

  /** A machine of its own, as another process would have. */
  on(options: MongoMachineOptions, limits?: LimitOptions, prefix = this.prefix): Rig<Clock> {
    const rig = new Rig<Clock>({
      clock: systemClock,
      backend: mongoFactory({ ...options, prefix }),
      random: Math.random,
      ...(limits === undefined ? {} : { limits }),
    });
    this.all.push(rig);
    return rig;
  }

  /** The same, once it is connected. */
  async ready(options: MongoMachineOptions, limits?: LimitOptions, prefix?: string): Promise<Rig<Clock>> {
    const rig = this.on(options, limits, prefix);
    await rig.backend.open?.();
    return rig;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.splice(0).map((rig) => rig.machine.close()));
  }
}
