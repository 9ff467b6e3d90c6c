/** Two levels keep the contract of backends: each client has copies of its own, and receives the changes of the others. */
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { isAboutTheClient, isAboutThePath, proveContract } from '../support/servers/contract-harness.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { tieredHarness } from '../support/bus/tiered-machine.js';

jest.setTimeout(30_000);

describeWithRedis('memory over Redis keeps the contract of backends', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  describe('when every hit is checked', () => {
    // Without those that move thousands: copies are not listed, counted or swept on a server.
    proveContract(
      tieredHarness(() => server.url, { maxUnvalidated: 0 }),
      (topic, name) => ['values', 'time'].includes(topic) || isAboutThePath(topic, name),
    );
  });

  describe('when copies are not checked, and only messages drop them', () => {
    proveContract(
      tieredHarness(() => server.url, { maxUnvalidated: '1h', shards: 4 }),
      isAboutThePath,
    );
  });

  describe('when they come by sharded channels', () => {
    proveContract(
      tieredHarness(() => server.url, { maxUnvalidated: '1h', shards: 4, pubSub: 'sharded' }),
      isAboutTheClient,
    );
  });
});
