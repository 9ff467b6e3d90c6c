/** An application that ends while it loads: what other processes wait for. */
import { afterAll, afterEach, beforeAll, it, jest } from '@jest/globals';
import { MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { randomPrefix } from '../support/redis/redis-process.js';
import { proveClosedVerbs, proveLateLoad, proveRollingRestart } from '../support/servers/closing.js';
import { watchUnhandled } from '../support/unhandled.js';

jest.setTimeout(120_000);
watchUnhandled();

describeWithMongo('an application on MongoDB that ends while it loads', () => {
  let server: MongoProcess;
  const machines = new MongoMachines();
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterEach(() => machines.close());
  afterAll(() => server.stop());

  it('A80: by SIGTERM, stores what it can within closeTimeout, and leaves no lease behind', async () => {
    const prefix = randomPrefix();
    const other = await machines.ready({ uri: server.url, timeout: '2s' }, {}, prefix);
    await proveRollingRestart({ address: server.url, prefix }, other);
  });

  it('A80: gives the value of a load that ends after it to its callers, and stores nothing', async () => {
    const [closing, other] = [await machines.ready({ uri: server.url }), await machines.ready({ uri: server.url })];
    await proveLateLoad(closing, other);
  });

  it('A102: every verb says afterwards that the cache is closed', async () => {
    await proveClosedVerbs(await machines.ready({ uri: server.url }));
  });
});
