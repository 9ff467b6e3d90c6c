/**
 * A, a master, and B, its replica, with the same entries. B is promoted (`REPLICAOF NO ONE`), then A is made a replica
 * whose link is dead (`REPLICAOF` to a closed port): it keeps its connections and answers reads with what it held. One
 * process stays connected to A, another one removes at B.
 */
import { expect, it, jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import type { RedisOptions } from '../../lib/backends/redis/options.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { tieredFactory } from '../support/bus/tiered-machine.js';
import { Rig } from '../support/machine/rig.js';
import { itConcurrent, ownOfEachTest } from '../support/own.js';
import { Application } from '../support/redis/application.js';
import { Machines } from '../support/redis/machines.js';
import { pause, RedisProcess, until } from '../support/redis/redis-process.js';
import { MASTER_NAME, RedisSentinels } from '../support/redis/redis-sentinels.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

/** Two seconds, and what a busy machine adds to them. */
const BOUND_MS = 4_000;
const NOWHERE = ['REPLICAOF', '127.0.0.1', '1'] as const;

describeWithRedis('a master that was demoted and still answers', () => {
  const here = ownOfEachTest(() => new Machines());
  const start = async (config: Record<string, string> = {}): Promise<RedisProcess> => {
    const server = await RedisProcess.start({ config: { 'repl-diskless-sync-delay': '0', ...config } });
    here().ends.push(() => server.stop());
    return server;
  };
  const pair = async (): Promise<readonly [RedisProcess, RedisProcess]> => {
    const master = await start();
    return [master, await start({ replicaof: `127.0.0.1 ${master.port}` })];
  };
  const adopted = (make: (port: number) => unknown) => (port: number) => {
    const client = make(port) as Redis;
    here().ends.push(() => client.disconnect());
    return { client };
  };
  /** With memory over it, whose copies are not checked for half a minute. */
  const tieredOn = (options: RedisOptions): Rig<Clock> => {
    const { prefix } = here().machines;
    const backend = tieredFactory({ ...options, prefix, maxUnvalidated: '30s', bus: false });
    const rig = new Rig<Clock>({ clock: systemClock, backend, random: Math.random });
    here().ends.push(() => rig.machine.close());
    return rig;
  };
  const followed = (server: RedisProcess) => async (): Promise<boolean> => Number(await server.command('DBSIZE')) >= 3;
  /** Until the process believes nothing more of it, and from then on. */
  const proveDisbelieved = async (rig: Rig<Clock>, removed: string): Promise<void> => {
    await until('its answers are not believed', async () => (await rig.get(removed)) === undefined, BOUND_MS);
    for (let round = 0; round < 200; round++) {
      expect(await rig.get(removed)).toBeUndefined();
      await pause(5);
    }
  };
  const url = (port: number) => ({ url: `redis://127.0.0.1:${port}` });

  itConcurrent.each([
    ['a client of ours', 'one level', 'redis.url', url],
    ['a client of ours', 'two levels', 'redis.url', url],
    ['ioredis 5', 'one level', 'redis.client', adopted((port) => new Redis5(port, '127.0.0.1'))],
    ['ioredis 6', 'one level', 'redis.client', adopted((port) => new Redis(port, '127.0.0.1'))],
    ['ioredis 6', 'two levels', 'redis.client', adopted((port) => new Redis(port, '127.0.0.1'))],
  ])('A69: is believed no more after two seconds, and used when it is a master again (%s, %s)', async (...row) => {
    const [, levels, name, connect] = row;
    const [a, b] = await pair();
    const options = connect(a.port);
    const rig = levels === 'two levels' ? tieredOn(options) : here().machines.on(options);
    await rig.backend.open?.();
    await rig.set('cat', 'old');
    await rig.set('dog', 'old', { tags: ['red'] });
    await until('the replica has them', followed(b));
    expect(await rig.get('cat')).toBe('old');
    await b.command('REPLICAOF', 'NO', 'ONE');
    await a.command(...NOWHERE);
    const other = await here().machines.ready(url(b.port));
    await other.evict('cat');
    await other.invalidateTag('red');
    await proveDisbelieved(rig, 'cat');
    expect(await rig.get('dog')).toBeUndefined();
    expect(rig.log.join()).toContain(`does not answer (${name} leads to a replica)`);
    expect(await rig.load('cat', () => 'new')).toBe('new');

    await a.command('REPLICAOF', '127.0.0.1', b.port);
    await until('it has caught up', async () => String(await a.command('INFO')).includes('master_link_status:up'));
    await a.command('REPLICAOF', 'NO', 'ONE');
    await until('it is used again', async () => {
      await rig.load('ant', () => 'Ann');
      return (await rig.get('ant')) === 'Ann';
    });
    expect(await rig.get('dog')).toBeUndefined();
  });

  itConcurrent('A69: one that took the data of another is told again what was confirmed before', async () => {
    const [a, b] = await pair();
    const rig = await here().machines.ready(url(a.port));
    await rig.set('cat', 'old', { tags: ['red'] });
    await until('the replica has it', followed(b));
    await b.command('REPLICAOF', 'NO', 'ONE');
    await rig.invalidateTag('red');
    await a.command('REPLICAOF', '127.0.0.1', b.port);
    await until('it has caught up', async () => String(await a.command('INFO')).includes('master_link_status:up'));
    // A write meets READONLY, which ends a connection of ours.
    await expect(rig.set('ant', 1)).rejects.toThrow();
    await until('it is known', () => rig.log.join().includes('leads to a replica'));
    await a.command('REPLICAOF', 'NO', 'ONE');
    await until('it is used again', async () => {
      expect(await rig.get('cat')).toBeUndefined();
      await rig.load('ant', () => 'Ann');
      return (await rig.get('ant')) === 'Ann';
    });
    expect(await rig.get('cat')).toBeUndefined();
  });

  itConcurrent.each([
    ['by address', ({ master }: RedisSentinels) => url(master.port)],
    ['by sentinels', ({ addresses }: RedisSentinels) => ({ sentinels: addresses, name: MASTER_NAME })],
  ])(
    'A69: however many calls it refuses at once, its connection is ended once and nothing printed (%s)',
    async (_, to) => {
      const group = await RedisSentinels.start();
      here().ends.push(() => group.stop());
      const application = new Application({ version: 6, options: { ...to(group), timeout: '2s' } });
      here().ends.push(() => application.kill());
      await application.started(30_000);
      await until('what is stored is found', () => application.isHit());
      for (const sentinel of group.sentinels) sentinel.halt();
      await group.master.command(...NOWHERE);
      expect(await application.setMany()).toBe(50);
      await application.close(10_000);
      expect(application.printed).toBe('');
    },
  );

  itConcurrent('A69: with sentinels that hang while it is demoted by hand', async () => {
    const group = await RedisSentinels.start();
    here().ends.push(() => group.stop());
    const rig = await here().machines.ready({ sentinels: group.addresses, name: MASTER_NAME });
    await rig.set('cat', 'old');
    await until('the replica has it', followed(group.replica));
    for (const sentinel of group.sentinels) sentinel.halt();
    await group.replica.command('REPLICAOF', 'NO', 'ONE');
    await group.master.command(...NOWHERE);
    const other = await here().machines.ready(url(group.replica.port));
    await other.evict('cat');
    await proveDisbelieved(rig, 'cat');
    expect(rig.log.join()).toContain('redis.sentinels leads to a replica');
  });

  // By itself: nothing else happens in this process meanwhile.
  it('A69: not by a process either that stood still while it was demoted', async () => {
    const [a, b] = await pair();
    const rig = await here().machines.ready(url(a.port));
    await rig.set('cat', 'old');
    await until('the replica has it', followed(b));
    const cli = (server: RedisProcess, ...said: string[]): unknown =>
      execFileSync('redis-cli', ['-p', String(server.port), ...said]);
    // From here on this process does nothing else, and is not told of the time that passes.
    cli(b, 'REPLICAOF', 'NO', 'ONE');
    cli(a, ...NOWHERE);
    cli(b, 'FLUSHALL');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_100);
    expect(await rig.get('cat')).toBeUndefined();
  });

  itConcurrent.each([
    ['a client of ours', 'redis.url', url],
    ['ioredis 6', 'redis.client', adopted((port) => new Redis(port, '127.0.0.1'))],
    [
      'ioredis 6, not connected yet',
      'redis.client',
      adopted((port) => new Redis(port, '127.0.0.1', { lazyConnect: true })),
    ],
    ['ioredis 5', 'redis.client', adopted((port) => new Redis5(port, '127.0.0.1'))],
  ])(
    'A70: the address of a replica is said by name, never believed, and starts are not refused (%s)',
    async (...row) => {
      const [, name, connect] = row;
      const [a, b] = await pair();
      const there = await here().machines.ready(url(a.port));
      await there.set('cat', 'old');
      await until('the replica has it', followed(b));
      const rig = await here().machines.ready(connect(b.port));
      expect(await rig.get('cat')).toBeUndefined();
      expect(await rig.load('cat', () => 'loaded')).toBe('loaded');
      await until('it is said', () => rig.log.length > 0);
      expect(rig.log).toEqual([expect.stringContaining(`does not answer (${name} leads to a replica)`)]);
      await b.command('REPLICAOF', 'NO', 'ONE');
      await until('it is used as a master', async () => (await rig.get('cat')) === 'old');
    },
  );

  itConcurrent('A70: with requireOnBoot the start says so', async () => {
    const [, b] = await pair();
    const rig = here().machines.on({ ...url(b.port), requireOnBoot: true, startTimeout: '500ms' });
    await expect(rig.backend.open?.()).rejects.toThrow('requireOnBoot: redis.url leads to a replica');
  });
});
