/** What a process asks of the server before its first load: counted by the events of the driver. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { createConnection, type Connection, type mongo as driver } from 'mongoose';
import { Test, type TestingModule } from '@nestjs/testing';
import { mongo } from '../../lib/backends/mongo/mongo.backend.js';
import { CacheModule } from '../../lib/nest/cache.module.js';
import type { CacheModuleOptions } from '../../lib/nest/cache.options.js';
import { CacheService } from '../../lib/nest/cache.service.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { withCollections } from '../support/mongo/stand-in.js';
import { randomPrefix, until } from '../support/redis/redis-process.js';

jest.setTimeout(60_000);

const MOST = 12;
const ENCRYPTED = {
  encryption: { keys: [{ id: 'k1', secret: createHash('sha256').update('a start').digest('base64') }] },
};

describeWithMongo('a start on MongoDB', () => {
  let server: MongoProcess;
  let connection: Connection;
  let asked: string[] = [];
  const open: TestingModule[] = [];
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    connection = await createConnection(server.url, { monitorCommands: true }).asPromise();
    asked = [];
    connection.getClient().on('commandStarted', ({ commandName }) => void asked.push(commandName));
  });
  afterEach(async () => {
    for (const module of open.splice(0)) await module.close();
    await connection.close();
  });

  const boot = async (options: Partial<CacheModuleOptions>, on = connection): Promise<CacheService> => {
    const backend = mongo({ connection: on, collection: 'first', timeout: '5s' });
    const cache = CacheModule.forRoot({ backend, app: 'api', environment: 'test', ...options });
    const module = await Test.createTestingModule({ imports: [cache] }).compile();
    open.push(module);
    await module.init();
    return module.get(CacheService);
  };
  const tally = (): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const name of asked.splice(0)) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  };
  /** The index, and the marks of applications, which nothing waits for: the last of them is the question for the marks. */
  const settled = (finds: number): Promise<unknown> =>
    until(
      'nothing more is asked',
      () => asked.includes('createIndexes') && asked.filter((name) => name === 'find').length === finds,
    );

  it.each([
    ['without encryption', {}, 0],
    ['with a key', { codec: ENCRYPTED }, 1],
  ])('asks at most twelve times before its first load, and not more often later, %s', async (_with, options, keys) => {
    const prefix = randomPrefix();
    const first = await boot({ ...options, prefix });
    await settled(1);
    const atFirst = tally();
    // Two hellos (the server of the tests knows only the old word for it), how the collection was made, two contenders for
    // the steps of one document, the mark of the application, and the index.
    const hellos = (atFirst['hello'] ?? 0) + (atFirst['isMaster'] ?? 0);
    expect(hellos).toBeLessThanOrEqual('isMaster' in atFirst ? 3 : 2);
    expect(atFirst).toMatchObject({ listCollections: 1, insert: 1, update: 3, delete: 1, createIndexes: 1, find: 1 });
    expect(atFirst['findAndModify'] ?? 0).toBe(keys);
    expect(Object.values(atFirst).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(MOST);
    expect(await first.getOrSet('k', () => 'loaded')).toBe('loaded');
    asked.length = 0;
    const later = await boot({ ...options, prefix });
    await settled(1);
    expect(tally()).toEqual(atFirst);
    expect(await later.getOrSet('k', () => 'another')).toBe('loaded');
  });

  it('finds out that a server looks first and writes then, without anything to hold others off in between', async () => {
    const inTwoSteps = (documents: driver.Collection): Partial<driver.Collection> => ({
      bulkWrite: (async (steps: readonly Step[]) => {
        let matchedCount = 0;
        for (const { updateOne } of steps) {
          const found = await documents.findOne(updateOne.filter);
          if (found === null) continue;
          matchedCount++;
          await documents.updateOne({ _id: found._id }, updateOne.update);
        }
        return { matchedCount };
      }) as never,
    });
    const unsafe = withCollections(connection.getClient(), inTwoSteps);
    await expect(boot({}, unsafe)).rejects.toThrow('several writers win the same compare-and-set');
    // What it was tried by is gone.
    const left = await connection.db
      ?.collection('first')
      .find({ _id: /:1:p:/ as never })
      .toArray();
    expect(left).toEqual([]);
  });
});

interface Step {
  readonly updateOne: { readonly filter: driver.Filter<driver.Document>; readonly update: driver.Document };
}
