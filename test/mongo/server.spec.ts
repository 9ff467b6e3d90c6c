/**
 * The server that stands in for a mongod where none is to be had: by `_id` it finds what it finds by looking through
 * everything, and looks at less. A field that no index knows repeats the name, so the same question can be asked both ways.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mongo } from 'mongoose';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';

interface Named {
  readonly _id: string;
  readonly name: string;
  readonly n: number;
  readonly colour?: string;
}

const COUNT = 300;
const nameOf = (at: number): string => `${['cat', 'dog', 'Emu'][at % 3]} ${String(at).padStart(3, '0')}`;
const some = Array.from({ length: COUNT }, (_, at): Named => {
  const name = nameOf(at);
  return { _id: name, name, n: at, ...(at % 2 === 0 ? { colour: at % 4 === 0 ? 'red' : 'blue' } : {}) };
});

/** Conditions on the name, and what else is asked. */
const CONDITIONS: [string, unknown][] = [
  ['a name', nameOf(7)],
  ['a name that is not there', 'cow'],
  ['a name, as an operator', { $eq: nameOf(8) }],
  ['several names, one of them twice and one that is not there', { $in: [nameOf(9), 'cow', nameOf(2), nameOf(9)] }],
  ['no name', { $in: [] }],
  ['names and a number', { $in: [nameOf(9), 5] }],
  ['names, and which not', { $in: [nameOf(9), nameOf(4)], $ne: nameOf(4) }],
  ['a range', { $gte: 'cat', $lt: 'cat\u007f' }],
  ['a range without its ends', { $gt: nameOf(3), $lt: nameOf(30) }],
  ['a range with its ends', { $gte: nameOf(3), $lte: nameOf(30) }],
  ['a range that is said twice', { $gt: nameOf(3), $gte: 'a', $lt: 'z', $lte: nameOf(30) }],
  ['an empty range', { $gt: 'z', $lt: 'a' }],
  ['half a range', { $gt: 'dog' }],
  ['the other half', { $lte: 'cat 100' }],
  ['a range, and which not', { $gte: 'cat', $ne: nameOf(0) }],
  ['a range that ends with a number', { $gte: 'cat', $lt: 5 }],
  ['a pattern', /^cat 0/],
  ['everything but a name', { $ne: nameOf(1) }],
  ['nothing', null],
];
const MORE: [string, mongo.Filter<Named>][] = [
  ['alone', {}],
  ['with a field that has a value', { colour: 'red' }],
  ['with a field that is not there', { colour: null } as never],
  ['with alternatives', { $or: [{ n: { $lt: 20 } }, { colour: 'blue' }] }],
];

describeWithMongo('the server of the tests', () => {
  let server: MongoProcess;
  let client: mongo.MongoClient;
  let db: mongo.Db;
  let documents: mongo.Collection<Named>;
  beforeAll(async () => {
    server = await MongoProcess.start();
    client = await new mongo.MongoClient(server.url).connect();
    db = client.db();
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });
  beforeEach(async () => {
    await db.dropDatabase();
    documents = db.collection<Named>('some');
    await documents.insertMany(some);
    // Places that were free are taken again, so that the order of names is not the order of their coming.
    await documents.deleteMany({ n: { $lt: 12 } });
    await documents.insertMany(some.slice(0, 12).reverse());
  });

  const byId = (condition: unknown, more: mongo.Filter<Named>) => ({ _id: condition, ...more }) as mongo.Filter<Named>;
  const byName = (condition: unknown, more: mongo.Filter<Named>) =>
    ({ name: condition, ...more }) as mongo.Filter<Named>;
  const sorted = (found: readonly Named[]): readonly Named[] => [...found].sort((a, b) => a.n - b.n);

  describe.each(CONDITIONS)('asked for %s', (_condition, condition) => {
    it.each(MORE)('%s finds by its index what it finds without', async (_more, more) => {
      const [one, other] = [documents.find(byId(condition, more)), documents.find(byName(condition, more))];
      expect(sorted(await one.toArray())).toEqual(sorted(await other.toArray()));
      for (const direction of [1, -1] as const) {
        for (const [skip, limit] of [
          [0, 0],
          [0, 5],
          [3, 4],
        ] as const) {
          const page = (filter: mongo.Filter<Named>, field: string): Promise<unknown> =>
            documents.find(filter, { sort: { [field]: direction }, skip, limit, projection: { n: 1 } }).toArray();
          expect(await page(byId(condition, more), '_id')).toEqual(await page(byName(condition, more), 'name'));
        }
      }
      expect(await documents.countDocuments(byId(condition, more))).toBe(
        await documents.countDocuments(byName(condition, more)),
      );
    });

    it.each(MORE)('%s changes and removes the same', async (_more, more) => {
      const outcomes = await Promise.all(
        [byId, byName].map(async (by, at) => {
          const own = db.collection<Named>(`own ${at}`);
          await own.insertMany(some);
          const changed = await own.updateMany(by(condition, more), { $inc: { n: 1_000 }, $set: { colour: 'red' } });
          const between = await own.find({}, { sort: { n: 1 } }).toArray();
          const removed = await own.deleteMany(by(condition, more));
          const left = await own.find({}, { sort: { n: 1 } }).toArray();
          return { changed: changed.matchedCount, between, removed: removed.deletedCount, left };
        }),
      );
      expect(outcomes[0]).toEqual(outcomes[1]);
    });
  });

  it('one that is there is changed in place, one that is not is made, and one whose condition fails is in the way', async () => {
    const swap = (name: string, n: number) =>
      documents.updateOne({ _id: name, n }, { $set: { colour: 'green' } }, { upsert: true });
    expect(await swap(nameOf(5), 5)).toMatchObject({ matchedCount: 1, upsertedCount: 0 });
    expect(await swap('cow', 5)).toMatchObject({ matchedCount: 0, upsertedCount: 1 });
    expect(await documents.findOne({ _id: 'cow', n: 5 })).toEqual({ _id: 'cow', n: 5, colour: 'green' });
    await expect(swap(nameOf(5), 6)).rejects.toMatchObject({ code: 11_000 });
    const taken = await documents.findOneAndDelete({ _id: 'cow', colour: 'green' });
    expect(taken).toMatchObject({ _id: 'cow' });
    expect(await documents.findOne({ _id: 'cow', n: 5 })).toBeNull();
    expect(await documents.findOneAndUpdate({ _id: nameOf(5), n: 6 }, { $set: { n: 7 } })).toBeNull();
  });

  it('looks at no more documents than their names mean', async () => {
    const scanned = async (filter: mongo.Filter<Named>, options: mongo.FindOptions = {}): Promise<number> => {
      const before = await total();
      await documents.find(filter, options).toArray();
      return (await total()) - before;
    };
    const total = async (): Promise<number> => {
      const status = await db.admin().command({ serverStatus: 1 });
      return Number((status['metrics'] as mongo.Document)['queryExecutor'].scannedObjects);
    };
    expect(await scanned({ _id: nameOf(3), colour: 'red' })).toBe(1);
    expect(await scanned({ _id: { $in: [nameOf(3), nameOf(4), 'cow'] }, n: { $gt: 0 } })).toBe(2);
    expect(await scanned({ _id: { $gt: nameOf(3), $lte: nameOf(12) }, n: { $gt: 0 } })).toBeLessThanOrEqual(4);
    const page = { sort: { _id: 1 }, limit: 5 } as const;
    expect(await scanned({ _id: { $gte: 'cat', $lt: 'dog' }, n: { $gte: 0 } }, page)).toBeLessThanOrEqual(6);
    expect(await scanned({ name: nameOf(3) })).toBe(COUNT);
  });
});
