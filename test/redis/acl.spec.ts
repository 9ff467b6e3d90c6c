/** What scripts and commands may touch: the keys they declare, and what the published rights allow. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { script } from '../../lib/backends/redis.script.js';
import { aclRules } from '../fixtures/redis-acl.js';
import { proveContract, redisHarness } from '../support/redis/contract-harness.js';
import { ALL_SCRIPTS, watchingKeys } from '../support/redis/declared-keys.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

const isAboutTheServer = (topic: string): boolean => topic !== 'values' && topic !== 'time';

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
});
