/** Messages on sharded channels of a single server: which process receives what, what is kept meanwhile, and what a break does. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import { CacheConfigError } from '../../lib/core/errors.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { aclBusRules } from '../fixtures/redis-acl.js';
import { Gated } from '../support/bus/gated.js';
import { everyChange } from '../support/bus/every-change.js';
import { firstLevelOf, isNear, levelOf, near, TieredMachines } from '../support/bus/tiered-machines.js';
import { Rig } from '../support/machine/rig.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { watchingKeys } from '../support/redis/declared-keys.js';
import { redisBackend } from '../support/redis/redis-machine.js';
import { pause, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

/** Nothing is checked: only messages, and knowing that messages are missing, explain that a copy is dropped. */
const SHARDED = { pubSub: 'sharded', maxUnvalidated: '1h', bus: { heartbeat: 100 }, timeout: '5s' } as const;

it.each(['Sharded', '', 'secret', true, 0, null])('pubSub: %p is refused by name, and not repeated', (pubSub) => {
  const make = (): unknown => redis({ pubSub: pubSub as never });
  expect(make).toThrow(CacheConfigError);
  expect(make).toThrow("redis.pubSub: must be 'broadcast' or 'sharded'");
});

describeWithRedis('messages by sharded channels', () => {
  let server: RedisProcess;
  let machines = new TieredMachines();
  const ends: (() => unknown)[] = [];
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterEach(async () => {
    await machines.close();
    machines = new TieredMachines();
    for (const end of ends.splice(0)) await end();
  });
  afterAll(() => server.stop());

  const machine = (options = {}) => machines.ready({ url: server.url, ...SHARDED, ...options });
  const behind = async () => {
    const proxy = await TcpProxy.before(server.port);
    ends.push(() => proxy.close());
    return proxy;
  };
  const adopted = <C extends { disconnect(): void }>(client: C): C => {
    ends.push(() => client.disconnect());
    return client;
  };
  const channel = (partition: string): string => `${machines.prefix}:2:{${partition}}:b`;
  const channels = async (): Promise<string[]> =>
    (await server.command('PUBSUB', 'SHARDCHANNELS', `${machines.prefix}:*`)) as string[];
  const listeners = async (partition: string): Promise<number> => {
    const [, count] = (await server.command('PUBSUB', 'SHARDNUMSUB', channel(partition))) as [string, number];
    return Number(count);
  };

  describe('publish every kind of change', () => {
    it.each([1, 4])('over %i shards', async (shards) => {
      const [a, b] = [await machine({ shards }), await machine({ shards })];
      // The channels of global entries are subscribed from the start.
      expect([await firstLevelOf(a), await firstLevelOf(b)]).toMatchObject([{ bus: 'up' }, { bus: 'up' }]);
      await everyChange(a, b);
    });

    it('by scripts that touch no key they did not declare', async () => {
      const [a, b] = [0, 1].map(() => adopted(watchingKeys(new Redis(server.url))));
      await everyChange(await machine({ url: undefined, client: a }), await machine({ url: undefined, client: b }));
    });

    it.each([
      ['5', () => new Redis5(server.url, { keyPrefix: 'app:' }) as unknown as Redis],
      ['6', () => new Redis(server.url, { keyPrefix: 'app:' })],
    ])('to clients of yours that put something before each key (ioredis %s)', async (_, make) => {
      const [a, b] = [adopted(make()), adopted(make())];
      await everyChange(await machine({ url: undefined, client: a }), await machine({ url: undefined, client: b }));
      expect(await server.command('PUBSUB', 'SHARDNUMSUB', `app:${channel('t.acme')}`)).toContain(2);
    });

    it('also what a process without a first level does, if it announces it', async () => {
      const b = await machine();
      const plain = redisBackend({ url: server.url, prefix: machines.prefix, announce: true, pubSub: 'sharded' });
      ends.push(() => plain.close());
      await b.set('tom', 1);
      await near(b, 'tom');
      await plain.evict([b.key('tom')]);
      await until('the message', async () => (await levelOf(b, 'tom')) !== 'l1');
    });

    it('with the published rights, and nothing else goes through these channels', async () => {
      const rules = aclBusRules(machines.prefix, 'sharded');
      await server.command('ACL', 'SETUSER', 'near', 'reset', 'on', '>secret-of-near', ...rules);
      const options = { username: 'near', password: 'secret-of-near' };
      const [a, b] = [await machine(options), await machine(options)];
      expect(await firstLevelOf(b)).toMatchObject({ bus: 'up' });
      await everyChange(a, b);
      const client = adopted(new Redis({ port: server.port, ...options }));
      await expect(client.subscribe('other')).rejects.toThrow('NOPERM');
      await expect(client.ssubscribe('other')).rejects.toThrow('NOPERM');
      await expect(client.call('PUBLISH', `${machines.prefix}:2:b`, 'x')).rejects.toThrow('NOPERM');
    });
  });

  it('without the right to subscribe nothing is kept, and everything else works', async () => {
    const rules = aclBusRules(machines.prefix, 'sharded').filter((rule) => rule !== '+ssubscribe');
    await server.command('ACL', 'SETUSER', 'deaf', 'reset', 'on', '>secret-of-deaf', ...rules);
    const options = { username: 'deaf', password: 'secret-of-deaf' };
    const [a, b] = [await machine(options), await machine(options)];
    await a.set('tom', 1);
    expect(await b.get('tom')).toBe(1);
    await a.set('tom', 2);
    expect(await b.get('tom')).toBe(2);
    await a.evict('tom');
    expect(await b.get('tom')).toBeUndefined();
    expect(await firstLevelOf(b)).toEqual({ entries: 0, bus: 'down' });
  });

  it('without the right to subscribe one channel at a time is tried, and less and less often', async () => {
    const rules = aclBusRules(machines.prefix, 'sharded').filter((rule) => rule !== '+ssubscribe');
    await server.command('ACL', 'SETUSER', 'deaf', 'reset', 'on', '>secret-of-deaf', ...rules);
    const b = await machine({ username: 'deaf', password: 'secret-of-deaf', shards: 8 });
    const refused = async (): Promise<number> =>
      Number(/errorstat_NOPERM:count=(\d+)/.exec(String(await server.command('INFO', 'errorstats')))?.[1] ?? 0);
    const before = await refused();
    for (let tenant = 0; tenant < 60; tenant++) await b.set('tom', 1, { tenant: `t${tenant}` });
    await pause(1_000);
    expect((await refused()) - before).toBeLessThan(20);
  });

  it('with the right to a part of a tenant’s channels nothing of that tenant is kept', async () => {
    const lead = `&${machines.prefix}:2`;
    const rules = aclBusRules(machines.prefix, 'sharded').filter((rule) => !rule.startsWith('&'));
    // Not to those of global entries either, which are requested first.
    const some = [`${lead}:{t.beta.*}:b`, `${lead}:{t.acme.[012].4}:b`];
    await server.command('ACL', 'SETUSER', 'partly', 'reset', 'on', '>secret-of-partly', ...rules, ...some);
    const b = await machine({ username: 'partly', password: 'secret-of-partly', shards: 4 });
    await b.set('tom', 1, { tenant: 'beta' });
    await near(b, 'tom', { tenant: 'beta' });
    await b.set('tom', 1);
    for (let look = 0; look < 10; look++) {
      expect(await levelOf(b, 'tom')).toBe('l2');
      await pause(20);
    }
    expect(await listeners('t.acme.2.4')).toBe(1);
    expect(isNear(b, 'tom', { tenant: 'beta' })).toBe(true);
  });

  describe('reach processes that keep copies of a tenant', () => {
    it('and no others: those are not subscribed, and get not a byte', async () => {
      const proxy = await behind();
      const a = await machine({ bus: false });
      const b = await machine({ url: proxy.url, bus: { heartbeat: '1m' } });
      await a.set('tom', 1);
      await near(b, 'tom');
      expect([await listeners('t.acme'), await listeners('t.beta')]).toEqual([1, 0]);
      const tags = Array.from({ length: 40 }, (_, index) => `${'long'.repeat(20)}${index}`);
      await pause(100);
      const [before, beganAtMs] = [proxy.bytesDown, performance.now()];
      for (let round = 0; round < 20; round++) for (const tag of tags) await a.invalidateTag(tag, { tenant: 'beta' });
      await pause(50);
      // Once a second it asks whether it is connected to a master; the messages of another tenant are 70 kB.
      const looks = 2 + (performance.now() - beganAtMs) / 1_000;
      expect(proxy.bytesDown - before).toBeLessThan(1_000 * looks);
      expect(isNear(b, 'tom')).toBe(true);
      await a.invalidateTag(tags[0] as string);
      await until('its own message', () => !isNear(b, 'tom'));
    });

    it('from the first that could be kept: copies of before are none', async () => {
      const a = await machine();
      await a.set('tom', 1, { tenant: 'beta' });
      const b = await machine();
      expect(await levelOf(b, 'tom', { tenant: 'beta' })).toBe('l2');
      expect(isNear(b, 'tom', { tenant: 'beta' })).toBe(false);
      expect(await listeners('t.beta')).toBe(2);
      await near(b, 'tom', { tenant: 'beta' });
    });

    it('and a copy whose read was in flight when its tenant was subscribed is not kept', async () => {
      const a = await machine();
      await a.set('tom', 1);
      const { pubSub, timeout, ...levels } = SHARDED;
      const gate = new Gated(redis({ url: server.url, pubSub, timeout }));
      const factory = tiered({ l1: memory(), l2: gate, ...levels });
      const b = new Rig<Clock>({
        clock: systemClock,
        random: Math.random,
        backend: { kind: 'tiered', create: (parts) => factory.create({ ...parts, prefix: machines.prefix }) },
      });
      await b.backend.open?.();
      const held = gate.hold('read');
      const reading = b.get('tom');
      await held;
      // Delivered to no process here: only what is stored next subscribes the tenant.
      await a.evict('tom');
      await b.set('kit', 1);
      await until('its tenant is followed', async () => (await listeners('t.acme')) === 2);
      await pause(100);
      gate.release('read');
      expect(await reading).toBe(1);
      expect(isNear(b, 'tom')).toBe(false);
      expect(await b.get('tom')).toBeUndefined();
    });
  });

  describe('are followed for as many tenants as a process can subscribe to', () => {
    it('the one unused for longest is let go, and its copies with it', async () => {
      // A tenant of 256 shards takes 256 of 10,000 channels; those of global entries take as many.
      const wide = { shards: 256 } as const;
      const [a, b] = [await machine({ ...wide, bus: false }), await machine(wide)];
      const tenants = Array.from({ length: 38 }, (_, index) => ({ tenant: `t${index}` }));
      for (const one of tenants) await a.set('tom', 1, one);
      for (const one of tenants) await near(b, 'tom', one);
      expect((await channels()).length).toBe(39 * 256);
      // The first is used again, so it is not the first to go.
      await a.set('kit', 1, tenants[0]);
      await near(b, 'kit', tenants[0]);
      const more = [{ tenant: 'beta' }, { tenant: 'gamma' }];
      for (const one of more) await a.set('tom', 1, one);
      for (const one of more) await near(b, 'tom', one);
      expect((await channels()).length).toBe(39 * 256);
      expect(isNear(b, 'kit', tenants[0])).toBe(true);
      expect(isNear(b, 'tom', tenants[1])).toBe(false);
      await a.set('tom', 2, tenants[1]);
      expect(await b.get('tom', tenants[1])).toBe(2);
      await near(b, 'tom', tenants[1]);
      await a.set('tom', 3, tenants[1]);
      await until('the message', async () => (await b.get('tom', tenants[1])) === 3);
    });
  });

  describe('when the connection', () => {
    it('breaks, nothing is kept until messages arrive again, and nothing from before is served then', async () => {
      const proxy = await behind();
      const a = await machine();
      const b = await machine({ url: proxy.url });
      await a.set('tom', 1);
      await near(b, 'tom');
      proxy.mode = 'refuse';
      proxy.reset();
      await until('the gap is noticed', () => !isNear(b, 'tom'));
      await a.set('tom', 2);
      await pause(400);
      proxy.mode = 'pass';
      await until('the server answers', async () => (await b.get('tom').catch(() => undefined)) === 2);
      await near(b, 'tom');
      await a.set('tom', 3);
      await until('the message', async () => (await b.get('tom')) === 3);
    });

    it('is ended by the server, the copies go although nothing has changed', async () => {
      const [a, b] = [await machine(), await machine()];
      for (const tenant of ['acme', 'beta']) {
        await a.set('tom', 1, { tenant });
        await near(b, 'tom', { tenant });
      }
      await server.command('ACL', 'SETUSER', 'default', '-ssubscribe');
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await until('the gap is noticed', () => ['acme', 'beta'].every((tenant) => !isNear(b, 'tom', { tenant })));
      for (let look = 0; look < 5; look++) {
        expect(await b.get('tom')).toBe(1);
        expect(isNear(b, 'tom')).toBe(false);
      }
      expect(await firstLevelOf(b)).toEqual({ entries: 0, bus: 'down' });
      await server.command('ACL', 'SETUSER', 'default', '+ssubscribe');
      for (const tenant of ['acme', 'beta']) await near(b, 'tom', { tenant });
    });

    it('falls silent, it counts as broken', async () => {
      const proxy = await behind();
      const a = await machine();
      const b = await machine({ url: proxy.url });
      await a.set('tom', 1);
      await near(b, 'tom');
      proxy.mode = 'blackhole';
      await a.set('tom', 2);
      await until('silence is noticed', () => !isNear(b, 'tom'));
      proxy.mode = 'pass';
      await until('the server answers', async () => (await b.get('tom').catch(() => undefined)) === 2);
      await near(b, 'tom');
    });
  });
});
