/** Loads that take longer than callers used to wait. */
import { afterAll, afterEach, beforeAll, it, jest } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { wireBus } from '../../lib/bus/wire.bus.js';
import { Rig } from '../support/machine/rig.js';
import { Machines } from '../support/redis/machines.js';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { LONG_LOADS, proveOneLoad, proveTakeover } from '../support/servers/long-loads.js';

jest.setTimeout(60_000);

describeWithRedis('a long load', () => {
  let server: RedisProcess;
  const machines = new Machines();
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterEach(() => machines.close());
  afterAll(() => server.stop());

  const plain = (): Promise<Rig<Clock>> => machines.ready({ url: server.url, timeout: '2s' }, LONG_LOADS.limits);
  const twoLevels = async (prefix: string): Promise<Rig<Clock>> => {
    const factory = tiered({ l1: memory(), l2: redis({ url: server.url, timeout: '2s' }) });
    const backend = {
      kind: factory.kind,
      create: (parts: object) => factory.create({ ...parts, bus: wireBus, prefix } as never),
    };
    const rig = new Rig<Clock>({ clock: systemClock, backend, limits: LONG_LOADS.limits, random: Math.random });
    await rig.backend.open?.();
    return rig;
  };

  it('A81: is bought once by three processes on one level, and once on two', async () => {
    const prefix = randomPrefix();
    const rigs = await Promise.all([1, 2, 3].map(plain));
    const above = await Promise.all([1, 2, 3].map(() => twoLevels(prefix)));
    await Promise.all([proveOneLoad(rigs), proveOneLoad(above)]);
  });

  it('A81: is taken over when its lease is no longer renewed, and when it goes beyond maxLoad', async () => {
    const prefix = randomPrefix();
    await Promise.all([
      proveTakeover(await plain(), await plain()),
      proveTakeover(await twoLevels(prefix), await twoLevels(prefix)),
    ]);
  });
});
