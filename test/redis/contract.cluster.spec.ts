/** The contract of backends, on a cluster of our own. */
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { redisHarness } from '../support/redis/contract-harness.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { isAboutTheServer, proveContract } from '../support/servers/contract-harness.js';

jest.setTimeout(30_000);

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
