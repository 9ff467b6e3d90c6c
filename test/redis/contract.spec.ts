/** The contract of backends, on one real server: the one at REDIS_URL, or one of our own. */
import { describe, jest } from '@jest/globals';
import { redisHarness } from '../support/redis/contract-harness.js';
import { describeOnRedis } from '../support/redis/require-redis.js';
import { isAboutTheClient, proveContract } from '../support/servers/contract-harness.js';

jest.setTimeout(30_000);

describeOnRedis('Redis keeps the contract of backends', (url) => {
  describe('on a single server', () => {
    proveContract(redisHarness(() => ({ url: url() })));
  });

  describe('spread over four slots', () => {
    proveContract(
      redisHarness(() => ({ url: url(), shards: 4 })),
      isAboutTheClient,
    );
  });
});
