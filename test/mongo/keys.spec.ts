/** C29, C30: a process that was given another secret under the same name, and one that was given the next. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mongo as driver } from 'mongoose';
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { Test } from '@nestjs/testing';
import { mongo } from '../../lib/backends/mongo/mongo.backend.js';
import type { Backend } from '../../lib/core/backend.js';
import { CacheConfigError, CacheError } from '../../lib/core/errors.js';
import { CacheModule } from '../../lib/nest/cache.module.js';
import { recordEvents } from '../../lib/testing/record-events.js';
import { Rig } from '../support/machine/rig.js';
import { LEVELS } from '../support/mongo/levels.js';
import { mongoBackend, type MongoBackendOptions } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { randomPrefix, until } from '../support/redis/redis-process.js';

jest.setTimeout(30_000);

const [OURS, THEIRS, NEXT] = Array.from({ length: 3 }, () => randomBytes(32).toString('base64')) as [
  string,
  string,
  string,
];

describeWithMongo('a wrong master key', () => {
  let server: MongoProcess;
  let client: driver.MongoClient;
  let prefix: string;
  const ends: (() => unknown)[] = [];
  beforeAll(async () => {
    server = await MongoProcess.start();
    client = await new driver.MongoClient(server.url).connect();
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });
  beforeEach(() => {
    prefix = randomPrefix();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  const key = new Rig().key('cat');
  const draft = {
    value: 'Tom',
    labels: key.labels,
    freshForMs: 60_000,
    keptForMs: 60_000,
    isolation: 'clone',
  } as const;
  const ring = (...keys: [id: string, secret: string][]) => ({
    encryption: { keys: keys.map(([id, secret]) => ({ id, secret })) },
  });
  const valueIn = async (from: Backend): Promise<unknown> => (await from.read(key)).entry?.value;

  describe.each(LEVELS)('%s', (_levels, { over }) => {
    const backend = (codec: MongoBackendOptions['codec'], more: MongoBackendOptions = {}): Backend => {
      const made = mongoBackend({
        uri: server.url,
        collection: prefix,
        prefix,
        timeout: '3s',
        ...(codec === undefined ? {} : { codec }),
        ...(over === undefined ? {} : { over }),
        ...more,
      });
      ends.push(() => made.close());
      return made;
    };
    const content = (): Promise<driver.WithId<driver.Document>[]> =>
      client
        .db()
        .collection(prefix)
        .find({}, { sort: { _id: 1 } })
        .toArray();

    it('C30: is refused at the start, says which, and leaves the cache as it was', async () => {
      const right = backend(ring(['k1', OURS]));
      await right.open?.();
      await right.write(key, draft);
      const before = await content();
      const error = await Promise.resolve(backend(ring(['k1', THEIRS])).open?.()).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CacheConfigError);
      expect(error).toMatchObject({ code: 'CACHE_CONFIG', option: 'codec.encryption.keys' });
      expect((error as Error).message).toContain('"k1"');
      const told = inspect(error, { depth: 9 });
      for (const secret of [OURS, THEIRS]) expect(told).not.toContain(secret.slice(0, 10));
      expect(await content()).toEqual(before);
      expect(await valueIn(right)).toBe('Tom');
    });

    it('C30: found out only when the server comes, it loads for itself, stores nothing, removes, and says so', async () => {
      const proxy = await TcpProxy.before(server.port);
      ends.push(() => proxy.close());
      proxy.mode = 'refuse';
      const right = backend(ring(['k1', OURS]));
      await right.open?.();
      await right.write(key, draft);
      const recorded = recordEvents();
      const uri = `mongodb://127.0.0.1:${proxy.port}/test`;
      const wrong = backend(ring(['k1', THEIRS]), { uri, observer: recorded.observer, connectTimeout: '300ms' });
      await wrong.open?.();
      proxy.mode = 'pass';
      await until('it is told', () =>
        recorded.of('warning').some(({ message }) => message.includes('codec.encryption')),
      );
      const lease = await wrong.lease(key, { leaseMs: 5_000, purpose: 'missing' });
      if (lease.kind !== 'granted') throw new Error('an entry that does not open is a miss');
      await expect(wrong.fill(lease.lease, draft)).rejects.toBeInstanceOf(CacheError);
      await expect(wrong.write(key, draft)).rejects.toBeInstanceOf(CacheError);
      expect(await valueIn(wrong)).toBeUndefined();
      expect(await valueIn(right)).toBe('Tom');
      expect(await wrong.evict([key])).toBe(1);
      expect(await (await opened(backend(ring(['k1', OURS])))).read(key)).toMatchObject({ entry: undefined });
    });

    it('C29: another key under another name is a rotation, and no mistake', async () => {
      const before = await opened(backend(ring(['k1', OURS])));
      await before.write(key, draft);
      const during = await opened(backend(ring(['k2', NEXT], ['k1', OURS])));
      expect(await valueIn(during)).toBe('Tom');
      await during.write(key, { ...draft, value: 'Kit' });
      expect(await valueIn(await opened(backend(ring(['k2', NEXT]))))).toBe('Kit');
      await expect(Promise.resolve(backend(ring(['k2', NEXT], ['k1', THEIRS])).open?.())).rejects.toThrow('"k1"');
    });

    it('B22, C34: what is sealed with a key that is not known, or with none, is a miss and stays', async () => {
      const ours = await opened(backend(ring(['k1', OURS])));
      await ours.write(key, draft);
      const next = await opened(backend(ring(['k2', NEXT])));
      const bare = await opened(backend(undefined));
      expect([await valueIn(next), await valueIn(bare)]).toEqual([undefined, undefined]);
      expect(await valueIn(ours)).toBe('Tom');
      // A process that can write to the collection, and has no key.
      await bare.write(key, { ...draft, value: 'forged' });
      expect(await valueIn(await opened(backend(ring(['k1', OURS]))))).toBeUndefined();
    });
  });

  it('C30: an application does not start with it', async () => {
    const boot = (secret: string) =>
      Test.createTestingModule({
        imports: [
          CacheModule.forRoot({
            backend: mongo({ uri: server.url, collection: prefix }),
            prefix,
            codec: ring(['k1', secret]),
          }),
        ],
      })
        .compile()
        .then((module) => module.init());
    const app = await boot(OURS);
    await expect(boot(THEIRS)).rejects.toBeInstanceOf(CacheConfigError);
    await app.close();
    await (await boot(OURS)).close();
  });

  it('without encryption nothing is kept about keys', async () => {
    await opened(mongoBackend({ uri: server.url, collection: prefix, prefix })).then((made) => made.close());
    expect(await client.db().collection(prefix).countDocuments()).toBe(0);
  });
});

async function opened(backend: Backend): Promise<Backend> {
  await backend.open?.();
  return backend;
}
