/** The contract of backends, on one real server (the one at REDIS_URL, or one of our own) and on a cluster. */
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { redisHarness } from '../support/redis/contract-harness.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { describeOnRedis, describeWithRedis } from '../support/redis/require-redis.js';
import { isAboutThePath, isAboutTheServer, proveContract } from '../support/servers/contract-harness.js';

jest.setTimeout(30_000);

describeOnRedis('Redis keeps the contract of backends', (url) => {
  describe('on a single server', () => {
    proveContract(redisHarness(() => ({ url: url() })));
  });

  describe('spread over four slots', () => {
    proveContract(
      redisHarness(() => ({ url: url(), shards: 4 })),
      isAboutThePath,
    );
  });
});

describeWithRedis('a cluster keeps the contract of backends', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterAll(() => cluster.stop());

  describe('of three masters, spread over four slots', () => {
    proveContract(
      redisHarness(() => ({ cluster: cluster.startNodes, shards: 4 })),
      isAboutTheServer,
    );
  });
});
