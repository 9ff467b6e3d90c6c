/** Entries that no process can use are removed by the reader that finds them. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { DISCARD } from '../../lib/backends/redis/scripts/discard.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import type { BackendFactory } from '../../lib/core/backend.js';
import { systemClock } from '../../lib/core/clock.js';
import { Rig } from '../support/machine/rig.js';
import { changed } from '../unit/codec/support/codecs.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { proveTidied, type Place } from '../support/servers/damage.js';

jest.setTimeout(60_000);

describeWithRedis('an entry on Redis that no process can use', () => {
  let server: RedisProcess;
  let client: Redis;
  beforeAll(async () => {
    server = await RedisProcess.start();
    client = new Redis(server.port, '127.0.0.1');
  });
  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  async function ready(): Promise<Rig<typeof systemClock>> {
    const rig = new Rig({ clock: systemClock, backend: redis({ url: server.url, timeout: '5s' }) });
    await rig.backend.open?.();
    return rig;
  }

  async function placeOf(rig: Rig<typeof systemClock>): Promise<Place> {
    await client.flushall();
    await rig.set('cat', 'Tom');
    const [name = ''] = await client.keys('*}:e:*');
    return {
      read: async () => (await client.getBuffer(name)) ?? undefined,
      write: async (bytes) => void (await client.set(name, bytes)),
    };
  }

  it.each<[string, (l2: BackendFactory) => BackendFactory]>([
    ['alone', (l2) => l2],
    ['below memory', (l2) => tiered({ l1: memory(), l2, maxUnvalidated: 0 })],
  ])('%s: each verb that reads removes it', async (_, over) => {
    const backend = over(redis({ url: server.url, timeout: '5s' }));
    const [rig, beside] = [new Rig({ clock: systemClock, backend }), await ready()];
    await rig.backend.open?.();
    await proveTidied(rig, beside, await placeOf(beside));
  });

  it('leaves the listing, too; what has been stored since it was read stays', async () => {
    const rig = await ready();
    const place = await placeOf(rig);
    const whole = (await place.read()) as Buffer;
    const [[entry = ''], [index = ''], [expiries = '']] = await Promise.all([
      client.keys('*}:e:*'),
      client.keys('*}:k'),
      client.keys('*}:x'),
    ]);
    const { id } = rig.key('cat');
    // What is sent along comes back beside the answer.
    const discard = (read: Buffer): Promise<unknown> =>
      client.eval(DISCARD.source, 3, entry, index, expiries, 'echo', read.length, read.subarray(0, 1_024), id);
    for (const other of [
      whole.subarray(0, -1),
      Buffer.concat([whole, whole]),
      Buffer.alloc(0),
      changed(whole, 5, () => 0),
    ])
      expect(await discard(other)).toEqual(['echo', 0]);
    expect(await rig.get('cat')).toBe('Tom');
    await place.write(Buffer.from('x'));
    expect(await client.zscore(index, id)).not.toBeNull();
    expect(await rig.get('cat')).toBeUndefined();
    await until('it is gone', async () => (await place.read()) === undefined);
    expect([await client.zscore(index, id), await client.zscore(expiries, id)]).toEqual([null, null]);
  });
});
