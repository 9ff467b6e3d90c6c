/** The contract of backends, over every kind of client and with every option that changes what is said to the server. */
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import type { ContractHarness } from '../../lib/testing/contract/contract.js';
import { redisHarness } from '../support/redis/contract-harness.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import {
  isAboutTheClient,
  isAboutThePath,
  isAboutTheServer,
  proveContract,
} from '../support/servers/contract-harness.js';

jest.setTimeout(30_000);

describeWithRedis('Redis keeps the contract of backends', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  describe('without an index', () => {
    proveContract(
      redisHarness(() => ({ url: server.url, index: false })),
      (topic, name) =>
        isAboutTheServer(topic, name) &&
        !['clearing', 'patterns'].includes(topic) &&
        !/pattern|writing nothing/.test(name),
    );
  });

  describe('with values encrypted', () => {
    const codec = { encryption: { keys: [{ id: 'one', secret: randomBytes(32) }] } };
    proveContract(
      redisHarness(() => ({ url: server.url, codec })),
      (topic, name) => ['counting', 'values'].includes(topic) || isAboutTheClient(topic, name),
    );
  });

  describe('over a client of the application, which has a key prefix', () => {
    const { harness, end } = adopting(
      () => new Redis(server.port, '127.0.0.1', { keyPrefix: 'app*:', lazyConnect: true }),
    );
    proveContract(harness, isAboutTheClient);
    afterAll(end);
  });

  describe('over a client of ioredis 5, which speaks RESP2', () => {
    const { harness, end } = adopting(() => new Redis5(server.port, '127.0.0.1') as unknown as Redis);
    proveContract(harness, isAboutThePath);
    afterAll(end);
  });

  describe.each([
    [
      '6',
      isAboutThePath,
      () => new Redis(server.port, '127.0.0.1', { enableAutoPipelining: true, keyPrefix: 'app*:' }),
    ],
    [
      '5',
      isAboutTheClient,
      () => new Redis5(server.port, '127.0.0.1', { enableAutoPipelining: true }) as unknown as Redis,
    ],
  ])('over a client of ioredis %s that puts commands together by itself', (_, applies, make) => {
    const { harness, end } = adopting(make);
    proveContract(harness, applies);
    afterAll(end);
  });

  describe('over several connections that speak RESP2', () => {
    const options = { maxConnections: 3, clientOptions: { protocol: 2 as const } };
    proveContract(
      redisHarness(() => ({ url: server.url, ...options })),
      isAboutTheClient,
    );
  });
});

/** Two clients for all cases: adopted ones are never closed. */
function adopting(make: () => Redis): { readonly harness: ContractHarness; readonly end: () => void } {
  const clients: Redis[] = [];
  let turn = 0;
  const harness = redisHarness(() => {
    const at = turn++ % 2;
    return { client: (clients[at] ??= make()) };
  });
  return { harness, end: () => clients.forEach((client) => client.disconnect()) };
}
