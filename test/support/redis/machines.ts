import type { RedisOptions } from '../../../lib/backends/redis/options.js';
import type { LimitOptions } from '../../../lib/core/limits.js';
import { systemClock, type Clock } from '../../../lib/core/clock.js';
import { Rig } from '../machine/rig.js';
import { redisFactory } from './redis-machine.js';
import { randomPrefix } from './redis-process.js';

export { timed } from '../time.js';

/** Machines on servers of one test, closed together. */
export class Machines {
  private readonly all: Rig<Clock>[] = [];
  readonly prefix = randomPrefix();

  /** A machine of its own, as another process would have. */
  on(options: RedisOptions, limits?: LimitOptions, prefix = this.prefix): Rig<Clock> {
    const rig = new Rig<Clock>({
      clock: systemClock,
      backend: redisFactory({ ...options, prefix }),
      random: Math.random,
      ...(limits === undefined ? {} : { limits }),
    });
    this.all.push(rig);
    return rig;
  }

  /** The same, once it is connected. */
  async ready(options: RedisOptions, limits?: LimitOptions, prefix?: string): Promise<Rig<Clock>> {
    const rig = this.on(options, limits, prefix);
    await rig.backend.open?.();
    return rig;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.splice(0).map((rig) => rig.machine.close()));
  }
}
