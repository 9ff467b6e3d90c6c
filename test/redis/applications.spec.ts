/** Two applications, or two environments, that keep their entries under one prefix of a Redis. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { applicationMark } from '../../lib/core/application-marks.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { Rig } from '../support/machine/rig.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { redisFactory } from '../support/redis/redis-machine.js';
import { randomPrefix, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { proveApplications } from '../support/servers/applications.js';

jest.setTimeout(60_000);

describeWithRedis('applications on one Redis', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  proveApplications(() => ({
    backend: () => redis({ url: server.url, timeout: '5s', connectTimeout: '10s' }),
    prefix: randomPrefix,
    marks: async (prefix) => (await server.command('ZRANGE', `${prefix}:2:apps`, 0, -1)) as string[],
    plant: async (prefix, marks, agoMs) => {
      const at = Math.floor((Date.now() - agoMs) / 1_000);
      await server.command('ZADD', `${prefix}:2:apps`, ...marks.flatMap((mark) => [at, mark]));
    },
  }));

  const application = { names: ['api'], environment: 'production' };
  const rigOn = (prefix: string, url = server.url): Rig<Clock> =>
    new Rig<Clock>({
      clock: systemClock,
      random: Math.random,
      backend: redisFactory({ url, prefix, application, timeout: '5s' }),
    });

  it('a read, a hit or a miss, costs what it costs without them', async () => {
    const prefix = randomPrefix();
    const rig = rigOn(prefix);
    await rig.backend.open?.();
    await until('there is a mark', async () => (await server.command('EXISTS', `${prefix}:2:apps`)) === 1);
    const scripts = async (): Promise<string> => String(await server.command('INFO', 'commandstats'));
    const usesOf = (stats: string): string | undefined => /cmdstat_zadd:calls=(\d+)/.exec(stats)?.[1];
    const before = usesOf(await scripts());
    for (let reads = 0; reads < 20; reads++) await rig.get('nothing');
    expect(usesOf(await scripts())).toBe(before);
    await rig.machine.close();
  });

  it('what lies there is looked at again when another server answers', async () => {
    const prefix = randomPrefix();
    const other = await RedisProcess.start();
    const rig = rigOn(prefix, other.url);
    await rig.backend.open?.();
    const there = async (): Promise<string[]> => (await other.command('ZRANGE', `${prefix}:2:apps`, 0, -1)) as string[];
    await until('there is a mark', async () => (await there()).length === 1);
    await other.kill();
    await other.begin();
    const worker = applicationMark({ names: ['worker'], environment: 'production' });
    await other.command('ZADD', `${prefix}:2:apps`, Math.floor(Date.now() / 1_000), worker);
    await until('it is told', () => rig.recorded.of('warning').some(({ message }) => message.includes('"worker"')));
    expect(await there()).toHaveLength(2);
    await rig.machine.close();
    await other.stop();
  });

  it('of more marks than are removed at once, the newest are told of', async () => {
    const prefix = randomPrefix();
    const at = Math.floor(Date.now() / 1_000) - 3_600;
    const old = Array.from({ length: 200 }, (_, n) => [
      at - 60,
      applicationMark({ names: [`old-${n}`], environment: 'production' }),
    ]);
    const recent = applicationMark({ names: ['recent'], environment: 'production' });
    await server.command('ZADD', `${prefix}:2:apps`, ...old.flat(), at, recent);
    const rig = rigOn(prefix);
    await rig.backend.open?.();
    await until('it is told', () => rig.recorded.of('warning').some(({ message }) => message.includes('"recent"')));
    await rig.machine.close();
  });

  it('a start neither fails nor waits where there is no right to leave a mark, or something else lies there', async () => {
    const prefix = randomPrefix();
    await server.command('SET', `${prefix}:2:apps`, 'x');
    await server.command('ACL', 'SETUSER', 'few', 'reset', 'on', '>x', `~${prefix}:*`, '+@all', '-zadd');
    for (const url of [server.url, server.url.replace('//', '//few:x@')]) {
      const rig = rigOn(prefix, url);
      await rig.backend.open?.();
      expect(await rig.load('k', () => 1)).toBe(1);
      await rig.backend.ping();
      expect(rig.recorded.of('warning')).toEqual([]);
      await rig.machine.close();
    }
  });

  it('finds each other on a cluster, too', async () => {
    const cluster = await RedisCluster.start();
    const prefix = randomPrefix();
    const on = (name: string): Rig<Clock> =>
      new Rig<Clock>({
        clock: systemClock,
        random: Math.random,
        backend: redisFactory({
          cluster: cluster.startNodes,
          prefix,
          application: { names: [name], environment: 'production' },
          timeout: '5s',
        }),
      });
    const rigs = [on('api'), on('worker')];
    for (const rig of rigs) {
      await rig.backend.open?.();
      await rig.load('k', () => 1);
    }
    await until('one is told', () => rigs.some((rig) => rig.recorded.of('warning').length > 0));
    await Promise.all(rigs.map((rig) => rig.machine.close()));
    await cluster.stop();
  });
});
