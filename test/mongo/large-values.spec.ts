/** Large values on their way to MongoDB. */
import { afterAll, beforeAll, it, jest } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import { MongoMachines, type MongoMachineOptions } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { randomPrefix } from '../support/redis/redis-process.js';
import { proveBeside, provePacking } from '../support/servers/large-values.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(60_000);

const MOST_BYTES = 8_388_608;
const TIMEOUT_MS = 1_000;

describeWithMongo('large values', () => {
  let server: MongoProcess;
  const machines = new MongoMachines();
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterAll(async () => {
    await machines.close();
    await server.stop();
  });

  const ways: [string, Partial<MongoMachineOptions>][] = [
    ['alone', {}],
    ['below memory', { over: (l2) => tiered({ l1: memory(), l2 }) }],
    ['with a fallback', { fallback: memory() }],
  ];
  it.each(ways)('A103: are stored although packing them takes longer than a call may, %s', async (_way, options) => {
    const prefix = randomPrefix();
    const rig = await machines.ready({ uri: server.url, timeout: TIMEOUT_MS, ...options }, undefined, prefix);
    await provePacking(rig, await machines.ready({ uri: server.url, timeout: '5s' }, undefined, prefix), TIMEOUT_MS);
  });

  it('A103: many at once neither open the circuit nor cost another tenant a hit', async () => {
    const limits = { maxValueBytes: MOST_BYTES };
    const rig = await machines.ready({ uri: server.url, timeout: soaking('1s', '5s') }, limits);
    await proveBeside(rig, soaking(7, 2) * 1_048_576, soaking(8, 4));
  });
});
