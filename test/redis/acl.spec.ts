/** What scripts and commands may touch: the keys they declare, and what the published rights allow. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { script } from '../../lib/backends/redis/scripts/script.js';
import { aclRules } from '../fixtures/redis-acl.js';
import { redisHarness } from '../support/redis/contract-harness.js';
import { ALL_SCRIPTS, watchingKeys } from '../support/redis/declared-keys.js';
import { Machines } from '../support/redis/machines.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { isAboutTheServer, proveContract } from '../support/servers/contract-harness.js';

jest.setTimeout(30_000);

describeWithRedis('scripts on servers that are strict', () => {
  let server: RedisProcess;
  const clients: Redis[] = [];
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(async () => {
    clients.forEach((client) => client.disconnect());
    await server.stop();
  });

  describe('every script touches only keys that it declares', () => {
    let turn = 0;
    const watched = (): Redis => watchingKeys(new Redis(server.port, '127.0.0.1'));
    proveContract(
      redisHarness(() => ({ client: (clients[turn++ % 2] ??= watched()) })),
      isAboutTheServer,
    );

    it('a script that touches another key is found out', async () => {
      const bad = script("return redis.call('GET', 'other')");
      (ALL_SCRIPTS as Map<string, typeof bad>).set(bad.sha, bad);
      const client = watched();
      clients.push(client);
      await expect(client.callBuffer('EVALSHA', bad.sha, 1, 'mine', 'echo')).rejects.toThrow('undeclared key');
    });
  });

  describe('C33: a user with the published rights and no others', () => {
    const password = randomBytes(9).toString('hex');
    beforeAll(async () => {
      // Keyspaces of these tests begin with `t` and are drawn.
      await server.command('ACL', 'SETUSER', 'cache', 'reset', 'on', `>${password}`, ...aclRules('t*'));
    });
    proveContract(
      redisHarness(() => ({ url: server.url, username: 'cache', password })),
      isAboutTheServer,
    );

    it('cannot read or write anything else', async () => {
      await server.command('SET', 'secret', 'x');
      const client = new Redis(server.port, '127.0.0.1', { username: 'cache', password });
      clients.push(client);
      await expect(client.get('secret')).rejects.toThrow('NOPERM');
      await expect(client.eval("return redis.call('GET', KEYS[1])", 1, 'secret')).rejects.toThrow(/NOPERM|ACL/);
      await expect(client.flushall()).rejects.toThrow('NOPERM');
      await expect(client.keys('*')).rejects.toThrow('NOPERM');
      await expect(client.config('GET', '*')).rejects.toThrow('NOPERM');
    });
  });

  describe('rights that are missing or taken away', () => {
    const machines = new Machines();
    afterEach(() => machines.close());
    const rules = aclRules('t*');
    const allow = (name: string, password: string, ...more: string[]): Promise<unknown> =>
      server.command('ACL', 'SETUSER', name, 'reset', 'on', `>${password}`, ...rules, ...more);

    it('A23: with a wrong password loaders run, and the password is said nowhere', async () => {
      const password = `secret-${randomBytes(6).toString('hex')}`;
      await allow('strict', 'another');
      const rig = machines.on({ url: server.url, username: 'strict', password });
      expect(await rig.load('cat', () => 'Tom')).toBe('Tom');
      await expect(rig.evict('cat')).rejects.toThrow();
      await until('it is told', () => rig.recorded.of('warning').some(({ message }) => message.includes('WRONGPASS')));
      expect(inspect(rig.recorded.events, { depth: 9 })).not.toContain(password);
      const required = machines.on({
        ...{ url: server.url, username: 'strict', password },
        requireOnBoot: true,
        connectTimeout: '300ms',
      });
      await expect(required.backend.open?.()).rejects.toThrow('requireOnBoot');
    });

    it('A24: when its password is changed and it is thrown out, it goes on without, and comes back when it may', async () => {
      await allow('changed', 'first');
      const rig = await machines.ready({ url: server.url, username: 'changed', password: 'first' });
      await rig.set('cat', 'Tom');
      await server.command('ACL', 'SETUSER', 'changed', 'resetpass', '>second');
      await server.command('CLIENT', 'KILL', 'USER', 'changed');
      expect(await rig.load('dog', () => 'Rex')).toBe('Rex');
      await server.command('ACL', 'SETUSER', 'changed', '>first');
      await until('it is used again', async () => (await rig.get('cat')) === 'Tom');
    });

    it.each([
      ['a command', '-hset', /NOPERM|ACL failure|can't run this command/],
      ['scripts', '-evalsha', /NOPERM.*evalsha/],
    ])('A25: without the right to %s an eviction says so, and reads are loaded', async (_, rule, message) => {
      const name = `no${randomBytes(4).toString('hex')}`;
      await allow(name, 'x', rule);
      const rig = await machines.ready({ url: server.url, username: name, password: 'x' });
      const able = await machines.ready({ url: server.url });
      await able.set('dog', 'Rex');
      expect(await rig.load('cat', () => 'Tom')).toBe('Tom');
      await expect(rig.invalidateTag('red')).rejects.toMatchObject({ code: 'CACHE_INVALIDATION_UNKNOWN' });
      const said = rig.recorded.of('error').map(({ error }) => error.message);
      expect(said.join('; ')).toMatch(message);
      // Refused is not away: the circuit stays closed.
      expect(rig.recorded.of('warning')).toEqual([]);
    });

    it('A25: without the right to its keys it stores nothing, and says so', async () => {
      await allow('keyless', 'x', 'resetkeys', '~other:*');
      const rig = await machines.ready({ url: server.url, username: 'keyless', password: 'x' });
      expect(await rig.load('cat', () => 'Tom')).toBe('Tom');
      const said = rig.recorded.of('error').map(({ error }) => error.message);
      expect(said.some((text) => text.includes('NOPERM'))).toBe(true);
    });

    it('A25: without the right to ask who answers, the last invalidations are repeated after every reconnect', async () => {
      await allow('blind', 'x', '-info');
      const rig = await machines.ready({ url: server.url, username: 'blind', password: 'x' });
      await rig.set('cat', 'old');
      await rig.evict('cat');
      const other = await machines.ready({ url: server.url }, undefined, machines.prefix);
      await other.set('cat', 'back');
      await server.command('CLIENT', 'KILL', 'USER', 'blind');
      await until('it is used again', async () => {
        await rig.load('probe', () => 1);
        return (await rig.get('probe')) === 1;
      });
      expect(await rig.get('cat')).toBeUndefined();
    });
  });
});
