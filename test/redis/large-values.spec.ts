/** Values as large as the limit allows, between those of others. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { assemble } from '../../lib/assemble.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { CacheConfigError } from '../../lib/core/errors.js';
import { resolveLimits } from '../../lib/core/limits.js';
import { Machines } from '../support/redis/machines.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(60_000);

const MOST_BYTES = 8_388_608;

describeWithRedis('the largest values that may be stored', () => {
  let server: RedisProcess;
  const machines = new Machines();
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(async () => {
    await machines.close();
    await server.stop();
  });

  it('A74: come and go on one connection while every read of another tenant stays a hit', async () => {
    const rig = await machines.ready({ url: server.url, timeout: '5s' }, { maxValueBytes: MOST_BYTES });
    const others = { tenant: 'beta' } as const;
    await rig.set('small', 'beta', others);
    const value = { text: 'x'.repeat(MOST_BYTES / 2 - 1_000) };
    let isDone = false;
    const coming = async (): Promise<void> => {
      for (let round = 0; round < soaking(20, 2); round++) {
        await rig.set('large', value);
        expect(await rig.get('large')).toEqual(value);
      }
    };
    const done = coming().finally(() => {
      isDone = true;
    });
    const loads: string[] = [];
    while (!isDone) expect(await rig.load('small', () => loads.push('a load'), others)).toBe('beta');
    await done;
    expect(loads).toEqual([]);
    expect(rig.recorded.of('error')).toEqual([]);
  });

  it('A74: beyond that the application does not start, and is told which option to change', () => {
    const limits = resolveLimits({ maxValueBytes: MOST_BYTES + 1 });
    const start = (): unknown => assemble({ backend: redis({ url: server.url }), limits });
    expect(start).toThrow(CacheConfigError);
    expect(start).toThrow('limits.maxValueBytes: must not exceed 8388608');
  });
});
