/** Removing takes longer than any caller waits. */
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess, withDb } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { IMPATIENT, proveSlowRemovals } from '../support/servers/slow-removals.js';

describeWithMongo('removing that takes longer than longTimeout answers', () => {
  let server: MongoProcess;
  let proxy: TcpProxy;
  let machines: MongoMachines;
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await machines.close();
    await proxy.close();
  });

  proveSlowRemovals(async () => {
    machines = new MongoMachines();
    proxy = await TcpProxy.before(server.port);
    const slow = await machines.ready({ uri: `mongodb://127.0.0.1:${proxy.port}/test`, ...IMPATIENT });
    const stored = (): Promise<number> =>
      withDb(server.url, (db) =>
        db.collection('scoped_cache').countDocuments({ _id: { $regex: `^${machines.prefix}:` } as never }),
      );
    return { slow, quick: await machines.ready({ uri: server.url, timeout: '10s' }), proxy, stored };
  });
});
