import { systemClock, type Clock } from '../../../lib/core/clock.js';
import { Rig } from '../machine/rig.js';
import { randomPrefix, until } from '../redis/redis-process.js';
import { caughtUp as backendCaughtUp, marksOf } from './after-messages.js';
import { tieredFactory, type TieredMachineOptions } from './tiered-machine.js';

/** Machines of one test that share a keyspace, each as another process would have it. */
export class TieredMachines {
  readonly prefix = randomPrefix();
  private readonly all: Rig<Clock>[] = [];

  async ready(options: TieredMachineOptions): Promise<Rig<Clock>> {
    const rig = new Rig<Clock>({
      clock: systemClock,
      backend: tieredFactory({ prefix: this.prefix, ...options }),
      random: Math.random,
    });
    this.all.push(rig);
    await rig.backend.open?.();
    return rig;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.splice(0).map(({ machine }) => machine.close()));
  }
}

/** Where a value was found by a read that happens now: `l1`, `l2`, or undefined where there is none. */
export async function levelOf(rig: Rig<Clock>, name: string, options = {}): Promise<string | undefined> {
  const { entry, level } = await rig.backend.read(rig.key(name, options), rig.policy());
  return entry === undefined ? undefined : level;
}

/** Reads until the process has a copy: the first message about a partition drops the copies from before. */
export async function near(rig: Rig<Clock>, name: string, options = {}): Promise<void> {
  await until(`a copy of ${name}`, async () => (await levelOf(rig, name, options)) === 'l1');
}

/**
 * Until a reader has received every message about a tenant.
 * @param writer another one than the reader
 */
export function caughtUp(writer: Rig<Clock>, reader: Rig<Clock>, options = {}): Promise<void> {
  return backendCaughtUp(writer.backend, reader.backend, marksOf(writer, options));
}

/** Whether the process answers by itself. Reading answers at once only from a copy. */
export function isNear(rig: Rig<Clock>, name: string, options = {}): boolean {
  const reading = rig.backend.read(rig.key(name, options));
  if (!(reading instanceof Promise)) return true;
  reading.catch(() => undefined);
  return false;
}

/** Facts about the first level. */
export async function firstLevelOf(rig: Rig<Clock>): Promise<{ readonly entries: number; readonly bus: string }> {
  const { details = {} } = await rig.backend.info();
  return { entries: Number(details['l1Entries']), bus: String(details['bus']) };
}
