/** Two applications, or two environments, that keep their entries under one prefix of a MongoDB collection. */
import { afterAll, beforeAll, jest } from '@jest/globals';
import { mongo } from '../../lib/backends/mongo/mongo.backend.js';
import { MongoProcess, withDb } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { randomPrefix } from '../support/redis/redis-process.js';
import { proveApplications } from '../support/servers/applications.js';

jest.setTimeout(60_000);

const COLLECTION = 'applications';
const KEPT_MS = 30 * 24 * 3_600_000;

interface Mark {
  readonly _id: string;
  readonly a: string;
  readonly x: Date;
}

describeWithMongo('applications on one MongoDB', () => {
  let server: MongoProcess;
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterAll(() => server.stop());

  proveApplications(() => ({
    backend: () => mongo({ uri: server.url, collection: COLLECTION, timeout: '5s' }),
    prefix: randomPrefix,
    marks: (prefix) =>
      withDb(server.url, async (db) => {
        const lead = `${prefix}:1:a:`;
        const found = await db
          .collection<Mark>(COLLECTION)
          .find({ _id: { $gte: lead, $lt: `${lead}~` } })
          .toArray();
        return found.map(({ a }) => a);
      }),
    plant: async (prefix, marks, agoMs) => {
      await withDb(server.url, (db) =>
        db.collection<Mark>(COLLECTION).insertMany(
          marks.map((a, at) => ({
            _id: `${prefix}:1:a:${agoMs}-${at}`,
            a,
            x: new Date(Date.now() + KEPT_MS - agoMs),
          })),
        ),
      );
    },
  }));
});
