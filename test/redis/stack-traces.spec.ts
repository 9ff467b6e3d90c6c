/** Callers in the stacks of what loaders throw, where the cache is on a server, in one level and in two. */
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { memory, tiered } from '../../lib/index.js';
import { redis } from '../../lib/redis.js';
import { proveTraces } from '../support/machine/prove-traces.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

describeWithRedis('stack traces', () => {
  let server: RedisProcess;
  let nowhere: RedisProcess;
  beforeAll(async () => {
    [server, nowhere] = await Promise.all([RedisProcess.start(), RedisProcess.nowhere()]);
  });
  afterAll(() => Promise.all([server.stop(), nowhere.stop()]));
  const on = (it: RedisProcess) => redis({ url: it.url, timeout: '5s', connectTimeout: '10s' });

  describe('on Redis', () => proveTraces(() => on(server)));
  describe('in two levels', () => proveTraces(() => tiered({ l1: memory(), l2: on(server) })));
  describe('while Redis is away', () => proveTraces(() => redis({ url: nowhere.url, connectTimeout: '100ms' })));
});
