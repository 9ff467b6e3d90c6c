/** The contract of backends, on one real server and on a cluster. */
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { proveContract, redisHarness } from '../support/redis/contract-harness.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

describeWithRedis('Redis keeps the contract of backends', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  describe('on a single server', () => {
    proveContract(redisHarness(() => ({ url: server.url })));
  });

  describe('spread over four slots', () => {
    proveContract(
      redisHarness(() => ({ url: server.url, shards: 4 })),
      (topic) => topic !== 'values' && topic !== 'time',
    );
  });
});

describeWithRedis('a cluster keeps the contract of backends', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterAll(async () => { await Promise.all(cluster.nodes.map(async (n) => { const a = performance.now(); const p = (n as any).child; await Promise.race([n.stop().then(() => console.log('stopped', performance.now() - a)), new Promise((r) => setTimeout(r, 5000)).then(() => console.log('late', n.pid, p.pid, p.exitCode, p.signalCode, p.killed, n.dir))]); })); });

  describe('of three masters, spread over four slots', () => {
    proveContract(
      redisHarness(() => ({ cluster: cluster.startNodes, shards: 4 })),
      (topic) => topic !== 'values' && topic !== 'time',
    );
  });
});
