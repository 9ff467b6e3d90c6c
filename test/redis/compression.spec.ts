/** Processes of one cache that compress in different ways, and one that cannot undo what another does. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { crc32 } from 'node:zlib';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { Rig } from '../support/machine/rig.js';
import { redisFactory } from '../support/redis/redis-machine.js';
import { randomPrefix, RedisProcess, withClient } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

/** Where an envelope says how its body was compressed. */
const COMPRESSION_AT = 19;
/** What no Node knows yet: as zstd is to Node 20. */
const UNKNOWN = 9;
const NAMES = ['a', 'b', 'c', 'd', 'e'];

describeWithRedis('a body that one process compressed in a way another cannot undo', () => {
  let server: RedisProcess;
  let prefix: string;
  const rigs: Rig<Clock>[] = [];
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());
  afterEach(() => Promise.all(rigs.splice(0).map((rig) => rig.machine.close())));

  const ready = async (): Promise<Rig<Clock>> => {
    const rig = new Rig<Clock>({
      clock: systemClock,
      backend: redisFactory({ url: server.url, prefix, timeout: '5s' }),
      random: Math.random,
    });
    rigs.push(rig);
    await rig.backend.open?.();
    return rig;
  };

  it('A96: is a miss that is said once, loaded once and stored for all', async () => {
    prefix = randomPrefix();
    const [newer, older] = [await ready(), await ready()];
    const value = 'The quick brown cat. '.repeat(1_000);
    for (const name of NAMES) await newer.set(name, value);
    await withClient(server.port, async (client) => {
      for (const name of NAMES) {
        const key = `${prefix}:2:{t.acme}:e:${newer.key(name).id}`;
        const bytes = (await client.getBuffer(key)) as Buffer;
        expect(bytes[COMPRESSION_AT]).toBe(1);
        bytes[COMPRESSION_AT] = UNKNOWN;
        bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
        await client.set(key, bytes, 'KEEPTTL');
      }
    });
    let loads = 0;
    const read = (rig: Rig<Clock>, name: string): Promise<unknown> =>
      rig.load(name, () => {
        loads++;
        return value;
      });
    for (let round = 0; round < 5; round++)
      for (const rig of [older, newer]) for (const name of NAMES) expect(await read(rig, name)).toBe(value);
    expect(loads).toBe(NAMES.length);
    const told = older.recorded.events.filter(({ type }) => type === 'warning' || type === 'damaged');
    expect(told).toEqual([{ type: 'warning', message: expect.stringContaining('this Node cannot undo') }]);
  });
});
