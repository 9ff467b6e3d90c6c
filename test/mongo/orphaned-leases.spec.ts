/** Orphaned leases: no load uses them any more, and they could not be given back at once. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { mongo } from 'mongoose';
import type { Backend } from '../../lib/core/backend.js';
import { Deferred, Rig } from '../support/machine/rig.js';
import { mongoBackend, type MongoBackendOptions } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { withCollections } from '../support/mongo/stand-in.js';
import { ASKED, stopping, type Stopping } from '../support/servers/orphaned-leases.js';
import { randomPrefix, until } from '../support/redis/redis-process.js';

describeWithMongo('a grant that came too late and could not be given back at once', () => {
  let server: MongoProcess;
  let client: mongo.MongoClient;
  let backends: Backend[];
  let prefix: string;
  beforeAll(async () => {
    server = await MongoProcess.start();
    client = await mongo.MongoClient.connect(server.url);
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });
  beforeEach(() => {
    backends = [];
    prefix = randomPrefix();
  });
  afterEach(() => Promise.all(backends.map((backend) => backend.close())));

  const open = (options: Pick<MongoBackendOptions, 'uri' | 'connection' | 'clock'>): Backend => {
    const backend = mongoBackend({ ...options, prefix, timeout: '1s' });
    backends.push(backend);
    return backend;
  };
  const key = new Rig().key('cat');

  /** One whose grant has come too late, and whose first try to give it back has failed. */
  const late = async ({ clock, tries }: Stopping): Promise<Backend> => {
    const granting = new Deferred<void>();
    let updates: 'pass' | 'wait' | 'fail' = 'pass';
    const connection = withCollections(client, (documents) => ({
      updateOne: async (...args: Parameters<typeof documents.updateOne>) => {
        const what = updates;
        updates = what === 'wait' ? 'fail' : 'pass';
        if (what === 'wait') await granting.promise;
        if (what === 'fail') throw new Error('no connection in time');
        return documents.updateOne(...args);
      },
    }));
    const backend = open({ connection, clock });
    await backend.open?.();
    updates = 'wait';
    await expect(backend.lease(key, ASKED)).rejects.toThrow('no answer in time');
    granting.resolve();
    await until('it could not be given back', () => tries() > 0);
    return backend;
  };

  it('A2: does not keep this process waiting: a caller that meets it gives it back', async () => {
    const backend = await late(stopping(Infinity));
    expect(await backend.lease(key, ASKED)).toMatchObject({ kind: 'granted' });
  });

  it('A2: does not keep other processes waiting for long: it is tried again', async () => {
    await late(stopping(0));
    const other = open({ uri: server.url });
    await other.open?.();
    await until('another is granted one', async () => (await other.lease(key, ASKED)).kind === 'granted', 10_000);
  });

  it('A80: is given back when its process ends, also one of which it has not heard yet', async () => {
    const [ending, asking, other] = [
      await late(stopping(Infinity)),
      open({ uri: server.url }),
      open({ uri: server.url }),
    ];
    await Promise.all([asking.open?.(), other.open?.()]);
    expect(await other.lease(key, ASKED)).toMatchObject({ kind: 'held' });
    await ending.close();
    expect(await other.lease(key, ASKED)).toMatchObject({ kind: 'granted' });
    const dog = new Rig().key('dog');
    const asked = Promise.resolve(asking.lease(dog, ASKED)).catch((error: unknown) => String(error));
    await asking.close();
    expect(await asked).toMatch(/closed/);
    expect(await other.lease(dog, ASKED)).toMatchObject({ kind: 'granted' });
  });
});
