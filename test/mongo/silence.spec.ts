/** Failures that are hidden because the application asked for it. */
import { afterEach, it, jest } from '@jest/globals';
import { LEVELS } from '../support/mongo/levels.js';
import { MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { proveSilent } from '../support/servers/silence.js';

jest.setTimeout(60_000);

describeWithMongo('failSilently while MongoDB is away', () => {
  const machines = new MongoMachines();
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    await machines.close();
    for (const end of ends.splice(0).reverse()) await end();
  });

  it.each(LEVELS)('%s: calls go on, and no old value comes back with it', async (_, { over }) => {
    const server = await MongoProcess.start();
    ends.push(() => server.stop());
    const proxy = await TcpProxy.before(server.port);
    ends.push(() => proxy.close());
    const uri = `mongodb://127.0.0.1:${proxy.port}/test`;
    const rig = machines.on({ uri, ...(over === undefined ? {} : { over }) });
    await rig.backend.open?.();
    await proveSilent(rig, proxy);
  });
});
