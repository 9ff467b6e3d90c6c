/** Entries that no process can use are removed by the reader that finds them. */
import { afterEach, expect, it, jest } from '@jest/globals';
import { mongo } from 'mongoose';
import { LEVELS } from '../support/mongo/levels.js';
import { MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { until } from '../support/redis/redis-process.js';
import { proveTidied } from '../support/servers/damage.js';

jest.setTimeout(60_000);

describeWithMongo('an entry on MongoDB that no process can use', () => {
  const machines = new MongoMachines();
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    await machines.close();
    for (const end of ends.splice(0).reverse()) await end();
  });

  it.each(LEVELS)('%s: each verb that reads removes it, and a lease stays', async (_, { over }) => {
    const server = await MongoProcess.start();
    ends.push(() => server.stop());
    const client = new mongo.MongoClient(server.url);
    ends.push(() => client.close());
    const options = { uri: server.url, collection: machines.prefix, timeout: '10s' } as const;
    const beside = await machines.ready(options);
    const raw = client.db().collection<{ readonly _id: string; readonly [field: string]: unknown }>(machines.prefix);
    const { id, space } = beside.key('cat');
    const name = { _id: `${machines.prefix}:1:e:${space.partition}:${id}` };
    const place = {
      read: async () => (await raw.findOne(name, { promoteBuffers: true }))?.['v'] as Buffer | undefined,
      write: async (v: Buffer) =>
        void (await raw.updateOne(name, { $set: { v, m: 'x'.repeat(22) } }, { upsert: true })),
    };
    const rig = await machines.ready({ ...options, ...(over === undefined ? {} : { over }) });
    await proveTidied(rig, beside, place);
    await place.write(Buffer.from('x'));
    await raw.updateOne(name, { $set: { l: { k: 'x', i: 'y', s: 1, u: Number.MAX_SAFE_INTEGER } } });
    await rig.get('cat');
    await until('the damage is gone', async () => (await place.read()) === undefined);
    expect(await raw.findOne(name)).toMatchObject({ l: { k: 'x' } });
  });
});
