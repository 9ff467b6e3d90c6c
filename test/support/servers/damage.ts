import { expect } from '@jest/globals';
import type { Clock } from '../../../lib/core/clock.js';
import { changed, mended } from '../../unit/codec/support/codecs.js';
import type { Rig } from '../machine/rig.js';
import { until } from '../redis/redis-process.js';

/** What stands under the one entry of a test, past the cache. */
export interface Place {
  read(): Promise<Buffer | undefined>;
  write(bytes: Buffer): Promise<void>;
}

const READS: Record<string, (rig: Rig<Clock>) => Promise<unknown>> = {
  get: (rig) => rig.get('cat'),
  has: async (rig) => (await rig.machine.engine.has(rig.key('cat'), rig.policy())) || undefined,
  ttl: (rig) => rig.machine.engine.ttlMs(rig.key('cat'), rig.policy()),
  getMany: async (rig) =>
    (await rig.machine.engine.getMany([{ key: rig.key('cat'), policy: rig.policy(), frame: undefined }]))[0],
};

/**
 * Each verb that reads removes what no process can use, and only that.
 * @param beside another process, which stores: the one that reads has no copy of what it stored itself
 */
export async function proveTidied(rig: Rig<Clock>, beside: Rig<Clock>, place: Place): Promise<void> {
  await beside.set('other', 'Kit');
  for (const read of Object.values(READS)) {
    await beside.set('cat', 'Tom');
    const whole = (await place.read()) as Buffer;
    for (const bytes of [
      changed(whole, whole.length - 8, (byte) => byte ^ 0x55),
      whole.subarray(0, -1),
      Buffer.from('x'),
      Buffer.alloc(0),
    ]) {
      await place.write(bytes);
      expect(await read(rig)).toBeUndefined();
      await until('the damage is gone', async () => (await place.read()) === undefined);
    }
    // Another version, as during a deployment: others can read it.
    for (const version of [0, 200]) {
      const another = mended(changed(whole, 2, () => version));
      await place.write(another);
      expect(await read(rig)).toBeUndefined();
      await rig.get('other');
      expect(await place.read()).toEqual(another);
    }
  }
  expect(await rig.get('other')).toBe('Kit');
}
