/**
 * A middlebox that mixes up answers: it lets one pass at once while another still waits for its delay to end. Answers say
 * nothing of their questions; those to two reads of one key look alike, and the older one would be served after what
 * it says was invalidated, for as long as the delay is.
 */
import { afterEach, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import type { RedisOptions } from '../../lib/backends/redis/options.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { tieredFactory } from '../support/bus/tiered-machine.js';
import { levelOf } from '../support/bus/tiered-machines.js';
import { Rig } from '../support/machine/rig.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { Machines } from '../support/redis/machines.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

/** A busy machine takes its time; nothing here waits for a deadline. */
const PATIENT = { timeout: '5s' } as const;

describeWithRedis('a network that mixes up answers', () => {
  const machines = new Machines();
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    await machines.close();
    for (const end of ends.splice(0).reverse()) await end();
  });
  const start = async (): Promise<readonly [RedisProcess, TcpProxy]> => {
    const server = await RedisProcess.start();
    ends.push(() => server.stop());
    const proxy = await TcpProxy.before(server.port);
    ends.push(() => proxy.close());
    return [server, proxy];
  };
  const adopted = (make: (port: number) => unknown) => (port: number) => {
    const client = make(port) as Redis;
    client.on('error', () => undefined);
    ends.push(() => client.disconnect());
    return { client };
  };
  const ours = (port: number): RedisOptions => ({ url: `redis://127.0.0.1:${port}` });
  /** What was answered before the eviction comes as the answer to a read that begins after it. */
  const proveRight = async (rig: Rig<Clock>, other: Rig<Clock>, proxy: TcpProxy, options = {}): Promise<void> => {
    proxy.mode = 'swap';
    const before = rig.get('cat', options);
    await until('its answer waits', () => proxy.isHolding);
    await other.evict('cat');
    expect(await rig.load('cat', () => 'new', options)).toBe('new');
    expect(['old', undefined]).toContain(await before);
    expect(rig.log.join()).toContain('answers came in the wrong order');
  };

  it.each([
    ['a client of ours', ours],
    ['ioredis 5', adopted((port) => new Redis5(port, '127.0.0.1'))],
    ['ioredis 6', adopted((port) => new Redis(port, '127.0.0.1'))],
  ])('A71: is noticed by the answers to reads of one key, and no old value is served (%s)', async (_, connect) => {
    const [server, proxy] = await start();
    const rig = await machines.ready({ ...PATIENT, ...connect(proxy.port) });
    const other = await machines.ready({ ...PATIENT, url: server.url });
    await rig.set('cat', 'old');
    await proveRight(rig, other, proxy);
    await until('the server is used again', async () => {
      await rig.load('cat', () => 'again');
      return (await rig.get('cat')) === 'again';
    });
  });

  it('A71: by the answers to checks of copies of one entry', async () => {
    const [server, proxy] = await start();
    const { prefix } = machines;
    const backend = tieredFactory({ ...PATIENT, ...ours(proxy.port), prefix, maxUnvalidated: 0, bus: false });
    const rig = new Rig<Clock>({ clock: systemClock, backend, random: Math.random });
    ends.push(() => rig.machine.close());
    await rig.backend.open?.();
    const other = await machines.ready({ ...PATIENT, url: server.url });
    await rig.load('cat', () => 'old');
    await until('there is a copy', async () => (await levelOf(rig, 'cat')) === 'l1');
    await proveRight(rig, other, proxy);
  });
});
