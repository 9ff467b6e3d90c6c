/** What an operator reads of an outage: that it began and why, and that it is over. */
import { describe, expect, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { itConcurrent, ownOfEachTest } from '../support/own.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { MASTER_NAME, sentinelOf } from '../support/redis/redis-sentinels.js';
import { Machines } from '../support/redis/machines.js';
import { pause, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import type { Rig } from '../support/machine/rig.js';
import type { RedisOptions } from '../../lib/backends/redis/options.js';
import type { Clock } from '../../lib/core/clock.js';

jest.setTimeout(60_000);

/** Of a server at an address of which no more is said than where it is. */
const goneBecause = (why: string): unknown =>
  expect.stringMatching(
    new RegExp(
      `^The redis backend at ${PLACE} does not answer \\(${why}\\): calls go on without the cache until it does\\.$`,
    ),
  );
const PLACE = '(?:cluster of |\\w+ of sentinels )?(?:127\\.0\\.0\\.1|localhost):\\d+(?:, [\\w.:]+)*';
const BACK = expect.stringMatching(new RegExp(`^The redis backend at ${PLACE} answers again\\.$`));
const PASSWORD = 'nobody-else-knows';

describeWithRedis('the log', () => {
  const here = ownOfEachTest(() => new Machines());
  const start = async (): Promise<RedisProcess> => {
    const server = await RedisProcess.start({ config: { requirepass: PASSWORD } });
    here().ends.push(() => server.stop());
    return server;
  };
  const adopted =
    (make: typeof Redis) =>
    (url: string): RedisOptions => {
      const client = new make(url, { password: PASSWORD, maxRetriesPerRequest: 0 });
      here().ends.push(() => client.disconnect());
      return { client };
    };

  /** Calls of all kinds, until they are told to stop. */
  const underLoad = (rig: Rig<Clock>): (() => Promise<unknown>) => {
    let isOver = false;
    const readers = Array.from({ length: 10 }, async (_, index) => {
      while (!isOver) {
        await rig.load(`secret-key-${index}`, () => 'secret-value');
        await rig.set(`secret-key-${index}`, 'secret-value').catch(() => undefined);
        await pause(2);
      }
    });
    return async () => {
      isOver = true;
      await Promise.all(readers);
    };
  };
  const isUsed = async (rig: Rig<Clock>): Promise<boolean> => {
    await rig.load('probe', () => 'here');
    return (await rig.get('probe').catch(() => undefined)) === 'here';
  };

  describe.each([
    ['a connection of its own', (url: string): RedisOptions => ({ url, password: PASSWORD })],
    ['three connections', (url: string): RedisOptions => ({ url, password: PASSWORD, maxConnections: 3 })],
    ['an adopted client', adopted(Redis)],
    ['an adopted client of ioredis 5', adopted(Redis5 as unknown as typeof Redis)],
  ])('with %s', (_, options) => {
    itConcurrent.each(['under load', 'without calls'])(
      'has one line for a server that is killed %s, with the reason, and one for its return',
      async (when) => {
        const server = await start();
        const rig = await here().machines.ready(options(server.url));
        const stop = when === 'under load' ? underLoad(rig) : () => undefined;
        await pause(100);
        await server.kill();
        await until('it is told', () => rig.log.length > 0);
        await pause(1_500);
        await server.begin();
        await until('it is told', () => rig.log.length > 1);
        await until('it is used', () => isUsed(rig));
        await pause(300);
        await stop();
        expect(rig.log).toEqual([goneBecause('ECONNREFUSED'), BACK]);
      },
    );
  });

  itConcurrent.each([
    [
      'nodes of a cluster',
      (port: number): RedisOptions => ({ cluster: [{ host: '127.0.0.1', port }] }),
      'no node of the cluster answers',
    ],
    [
      'sentinels',
      (port: number): RedisOptions => ({ name: MASTER_NAME, sentinels: [{ host: '127.0.0.1', port }] }),
      'no sentinel answers',
    ],
  ])('says why %s cannot be reached, once', async (_, options, why) => {
    const { port } = await RedisProcess.nowhere();
    const rig = here().machines.on(options(port));
    for (let call = 0; call < 20; call++) {
      await rig.load('cat', () => 'Tom');
      await pause(60);
    }
    await until('it is told', () => rig.log.length > 0);
    expect(rig.log).toEqual([goneBecause(why)]);
  });

  itConcurrent('says that sentinels know no master of a name', async () => {
    const server = await RedisProcess.start();
    here().ends.push(() => server.stop());
    const sentinel = await sentinelOf(server.port);
    here().ends.push(() => sentinel.stop());
    const rig = here().machines.on({ name: 'another', sentinels: [{ host: '127.0.0.1', port: sentinel.port }] });
    await until('it is told', () => rig.log.length > 0);
    expect(rig.log).toEqual([goneBecause('no sentinel knows the master')]);
  });

  itConcurrent(
    'has one line each for a server that hangs, although its connections are made anew meanwhile',
    async () => {
      const server = await start();
      const rig = await here().machines.ready({ url: server.url, password: PASSWORD });
      const stop = underLoad(rig);
      await pause(100);
      server.halt();
      await until('it is told', () => rig.log.length > 0);
      await pause(3_500);
      server.resume();
      await until('it is told', () => rig.log.length > 1);
      await until('it is used', () => isUsed(rig));
      await pause(300);
      await stop();
      expect(rig.log).toEqual([goneBecause('no answer in time'), BACK]);
    },
  );

  itConcurrent('tells of what failed while others were answered once, and as no outage', async () => {
    const server = await start();
    const proxy = await TcpProxy.before(server.port);
    here().ends.push(() => proxy.close());
    const rig = await here().machines.ready({
      url: `redis://127.0.0.1:${proxy.port}`,
      password: PASSWORD,
      failures: 1_000,
    });
    for (let round = 0; round < 3; round++) {
      await until('it is used', () => isUsed(rig));
      proxy.mode = 'blackhole';
      await rig.load(`key ${round}`, () => 1);
      proxy.mode = 'pass';
      proxy.reset();
    }
    await until('it is used', () => isUsed(rig));
    await until('it is told', () => rig.log.length > 0);
    await pause(600);
    const told = rig.log.filter((line) => line.startsWith('redis: '));
    expect(told.length).toBeGreaterThan(0);
    expect(new Set(told).size).toBe(told.length);
    expect(told).toEqual(rig.log);
  });
});
