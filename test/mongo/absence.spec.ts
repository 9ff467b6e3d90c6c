/** A server that is not there, hangs, is slow or comes back: calls go on, in bounded time, and nothing old is served. */
import { expect, jest } from '@jest/globals';
import { createConnection, mongo } from 'mongoose';
import type { Clock } from '../../lib/core/clock.js';
import { CacheError, InvalidationUnknownError } from '../../lib/core/errors.js';
import { Deferred, type Rig } from '../support/machine/rig.js';
import { failCommands, failNothing } from '../support/mongo/fail-command.js';
import { LEVELS } from '../support/mongo/levels.js';
import { MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess, withDb } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { SpareServers } from '../support/mongo/spare-servers.js';
import { withCollections } from '../support/mongo/stand-in.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { timed } from '../support/redis/machines.js';
import { itConcurrent, ownOfEachTest } from '../support/own.js';
import { pause, until } from '../support/redis/redis-process.js';

jest.setTimeout(60_000);

/** A deadline, and what a busy machine adds to it; the driver by itself would wait for five seconds and more. */
const BOUND_MS = 250 + 1_750;

/** For what is only prepared. */
const LONG_TIMEOUTS = { timeout: '10s' } as const;

describeWithMongo('a MongoDB that is away', () => {
  const servers = new SpareServers();
  const here = ownOfEachTest(() => new MongoMachines());
  const start = async (): Promise<MongoProcess> => {
    const server = await servers.take();
    here().ends.push(() => servers.giveBack(server));
    return server;
  };
  const nowhere = async (): Promise<MongoProcess> => {
    const server = await MongoProcess.nowhere();
    here().ends.push(() => server.stop());
    return server;
  };

  itConcurrent(
    'A68: a start over a connection whose server answers nothing ends within startTimeout, and it is used later',
    async () => {
      const server = await start();
      const proxy = await TcpProxy.before(server.port);
      here().ends.push(() => proxy.close());
      const connection = createConnection(`mongodb://127.0.0.1:${proxy.port}/test`);
      here().ends.push(() => connection.destroy());
      await connection.asPromise();
      proxy.mode = 'blackhole';
      const rig = here().machines.on({ connection, startTimeout: '700ms' });
      const { tookMs } = await timed(async () => rig.backend.open?.());
      expect(tookMs).toBeLessThan(700 + BOUND_MS);
      expect(await rig.load('cat', () => 'Tom')).toBe('Tom');
      proxy.mode = 'pass';
      proxy.reset();
      await until('the cache keeps what it is given', async () => {
        await rig.load('cat', () => 'Tom');
        return (await rig.get('cat')) === 'Tom';
      });
    },
  );

  itConcurrent.each(LEVELS)(
    'A55, %s: not there at the first use: no caller waits longer than a deadline, and it is used once it is there',
    async (_, { over }) => {
      const server = await nowhere();
      const rig = here().machines.on({ uri: server.url, ...(over === undefined ? {} : { over }) });
      for (let round = 0; round < 8; round++) {
        const { answer, tookMs } = await timed(() => rig.load('cat', () => 'Tom'));
        expect(answer).toBe('Tom');
        expect(tookMs).toBeLessThan(BOUND_MS);
      }
      await expect(rig.evict('cat')).rejects.toBeInstanceOf(InvalidationUnknownError);
      await server.begin();
      let calls = 0;
      await until('the cache keeps what is loaded', async () => {
        const before = calls;
        await rig.load('dog', () => ++calls);
        return calls === before;
      });
    },
  );

  itConcurrent.each([
    ['refuses', 'refuse'],
    ['swallows', 'blackhole'],
  ] as const)('A55: of a place that %s the first call finds out for all that there is no server', async (_, mode) => {
    const server = await start();
    const proxy = await TcpProxy.before(server.port);
    here().ends.push(() => proxy.close());
    proxy.mode = mode;
    // Each would be ready to wait for a second, which is how long the driver looks for a server.
    const rig = here().machines.on({ uri: `mongodb://127.0.0.1:${proxy.port}/test`, timeout: '5s', failures: 1_000 });
    const { tookMs } = await timed(async () => {
      for (let turn = 0; turn < 20; turn++) expect(await rig.load('cat', () => 'Tom')).toBe('Tom');
    });
    expect(tookMs).toBeLessThan(6_000);
    expect(rig.log.length).toBeLessThanOrEqual(1);
    proxy.mode = 'pass';
    proxy.reset();
    await until('it is used once it is there', async () => {
      await rig.load('dog', () => 'Rex');
      return (await rig.get('dog')) === 'Rex';
    });
  });

  itConcurrent(
    'A55: an adopted connection that was never opened costs nothing but the cache, and is used once it is open',
    async () => {
      const server = await start();
      const connection = createConnection();
      here().ends.push(() => connection.close());
      const rig = here().machines.on({ connection });
      const { answer, tookMs } = await timed(() => rig.load('cat', () => 'Tom'));
      expect(answer).toBe('Tom');
      expect(tookMs).toBeLessThan(BOUND_MS);
      await connection.openUri(server.url);
      await until('the cache is used', async () => {
        await rig.load('dog', () => 'Rex');
        return (await rig.get('dog')) === 'Rex';
      });
    },
  );

  itConcurrent(
    'A55: who waits for a server is told that it turns out to be away; it is looked for without him',
    async () => {
      const rig = here().machines.on({ uri: (await nowhere()).url, timeout: '20s' });
      const over: string[] = [];
      await Promise.all([
        Promise.resolve(rig.backend.open?.()).then(() => over.push('looking for it')),
        rig.load('cat', () => 'Tom').then(() => over.push('waiting for it')),
      ]);
      expect(over).toEqual(['waiting for it', 'looking for it']);
    },
  );

  itConcurrent(
    'A55: a server that turns out to be away before it was probed keeps no caller waiting after that',
    async () => {
      const server = await start();
      const proxy = await TcpProxy.before(server.port);
      here().ends.push(() => proxy.close());
      const uri = `mongodb://127.0.0.1:${proxy.port}/test`;
      // The driver would look for it for longer than any caller here waits.
      const connection = await createConnection(uri, { serverSelectionTimeoutMS: 50_000 }).asPromise();
      here().ends.push(() => connection.close(true));
      const rig = here().machines.on({ connection, timeout: '20s', failures: 1_000 });
      proxy.mode = 'blackhole';
      const before = proxy.bytesUp;
      const { tookMs } = await timed(async () => {
        const first = rig.load('first', () => 1);
        await until('it is asked who it is', () => proxy.bytesUp > before);
        proxy.mode = 'refuse';
        proxy.reset();
        await first;
        await rig.load('second', () => 2);
      });
      expect(tookMs).toBeLessThan(12_000);
    },
  );

  itConcurrent('A1: with requireOnBoot a start without a server is refused, and says why there is none', async () => {
    const server = await nowhere();
    const rig = here().machines.on({ uri: server.url, requireOnBoot: true, connectTimeout: '1s' });
    const { tookMs } = await timed(() => expect(rig.backend.open?.()).rejects.toThrow('requireOnBoot: ECONNREFUSED'));
    expect(tookMs).toBeLessThan(2_000);
  });

  itConcurrent('why it cannot be reached is said once, with its address and nothing else of its URL', async () => {
    const refusing = here().machines.on({ uri: (await nowhere()).url });
    const insecure = here().machines.on({ uri: `${(await start()).url}?tls=true` });
    for (const [rig, word] of [
      [refusing, /^The mongo backend at 127\.0\.0\.1:\d+ does not answer \(ECONNREFUSED\)/],
      [insecure, /^The mongo backend at 127\.0\.0\.1:\d+ does not answer \(\w+\)/],
    ] as const) {
      await until('it is said', async () => {
        await rig.load('cat', () => 'Tom');
        return rig.log.length > 0;
      });
      await pause(1_200);
      expect(rig.log).toEqual([expect.stringMatching(word)]);
      expect(rig.log.join()).not.toMatch(/mongodb:|tls=/);
    }
  });

  itConcurrent.each(['under load', 'without calls'])('killed %s and started again: one line each', async (when) => {
    const server = await start();
    const rig = await here().machines.ready({ uri: server.url });
    await until('an entry is stored', () =>
      rig.set('cat', 'Tom').then(
        () => true,
        () => false,
      ),
    );
    let isOver = false;
    const readers = Promise.all(
      Array.from({ length: when === 'under load' ? 10 : 0 }, async () => {
        while (!isOver) {
          await rig.load('cat', () => 'Tom');
          await pause(2);
        }
      }),
    );
    await server.kill();
    await until('it is said', () => rig.log.length > 0);
    await pause(1_500);
    await server.restartEmpty();
    await until('it is said', () => rig.log.length > 1);
    await until('it is used', async () => {
      await rig.load('dog', () => 'Rex');
      return (await rig.get('dog').catch(() => undefined)) === 'Rex';
    });
    isOver = true;
    await readers;
    // On a machine that others keep busy a call may miss its deadline later, or a connection: that is reported, and is no outage.
    const isLate = (line: string): boolean => /^mongo: (no answer in time|MongoWaitQueueTimeoutError)$/.test(line);
    expect(rig.log.filter((line) => !isLate(line))).toEqual([
      expect.stringMatching(
        /^The mongo backend at 127\.0\.0\.1:\d+ does not answer \([\w ]+\): calls go on without the cache/,
      ),
      expect.stringMatching(/^The mongo backend at 127\.0\.0\.1:\d+ answers again\.$/),
    ]);
  });

  itConcurrent.each(LEVELS)(
    'A2, %s: killed under load and started again empty, it fails no read, and nothing from before comes back',
    async (_, { over, lateMs }) => {
      const server = await start();
      const rig = await here().machines.ready({ uri: server.url, ...(over === undefined ? {} : { over }) });
      let version = 1;
      let changedAtMs = 0;
      let longestMs = 0;
      let isOver = false;
      let wrong = 0;
      const reader = async (name: string): Promise<void> => {
        while (!isOver) {
          const least = performance.now() - changedAtMs > lateMs ? version : 1;
          const { answer, tookMs } = await timed(() => rig.load(name, async () => version));
          if (answer < least) wrong++;
          longestMs = Math.max(longestMs, tookMs);
          await pause(1);
        }
      };
      const readers = Promise.all(Array.from({ length: 20 }, (_none, index) => reader(`key ${index}`)));
      await pause(300);
      await server.kill();
      version = 2;
      changedAtMs = performance.now();
      // The old values are gone with the server; readers that began before may still get what they began with.
      await pause(700);
      await until('it is said', () =>
        rig.recorded.of('warning').some(({ message }) => message.includes('does not answer')),
      );
      await server.restartEmpty();
      await until('reads are served from the server again', async () => {
        await rig.load('probe', () => 1);
        return (await rig.get('probe')) === 1;
      });
      isOver = true;
      await readers;
      expect(wrong).toBe(0);
      expect(longestMs).toBeLessThan(BOUND_MS);
    },
  );

  itConcurrent(
    'A4: a server that hangs costs one deadline, then nothing; afterwards everything is as it was',
    async () => {
      const server = await start();
      const rig = await here().machines.ready({ uri: server.url });
      const sound = await here().machines.ready({ uri: server.url, ...LONG_TIMEOUTS });
      for (let index = 0; index < 50; index++) await sound.set(`k${index}`, `value of ${index}`);
      const loads = (): Promise<unknown[]> =>
        Promise.all(Array.from({ length: 50 }, (_, index) => rig.load(`k${index}`, () => `loaded ${index}`)));
      server.halt();
      // Its threads come to a stop one after the other.
      await pause(300);
      const first = await timed(loads);
      expect(first.answer).toEqual(Array.from({ length: 50 }, (_, index) => `loaded ${index}`));
      expect(first.tookMs).toBeLessThan(BOUND_MS);
      for (let round = 0; round < 20; round++) {
        expect((await timed(loads)).tookMs).toBeLessThan(BOUND_MS);
        await pause(20);
      }
      server.resume();
      await until('the server is used again', async () => (await rig.get('k1')) === 'value of 1');
      for (let index = 0; index < 50; index++) expect(await sound.get(`k${index}`)).toBe(`value of ${index}`);
    },
  );

  itConcurrent('A6: a write that its caller was told had failed does not happen later', async () => {
    const server = await start();
    const rig = await here().machines.ready({ uri: server.url, failures: 100 });
    const reader = await here().machines.ready({ uri: server.url, timeout: '5s' });
    await reader.set('cat', 'old');
    // The first half of the write is what the server is slow about.
    await failCommands(server.url, { failCommands: ['update'], blockTimeMS: 500 }, 1);
    await expect(rig.set('cat', 'late')).rejects.toBeInstanceOf(CacheError);
    for (let round = 0; round < 10; round++) {
      expect(await reader.get('cat')).toBe('old');
      await pause(60);
    }
    await rig.set('cat', 'new');
    expect(await reader.get('cat')).toBe('new');
  });

  itConcurrent.each([
    [
      'removed and loaded anew',
      async (rig: Rig<Clock>) => {
        await rig.evict('cat');
        return rig.load('cat', () => 'newer');
      },
    ],
    ['put', (rig: Rig<Clock>) => rig.put('cat', () => 'newer')],
  ])('A6: a write that arrives after what its caller did instead does not undo it: %s', async (_, instead) => {
    const server = await start();
    const proxy = await TcpProxy.before(server.port);
    here().ends.push(() => proxy.close());
    const rig = await here().machines.ready({
      uri: `mongodb://127.0.0.1:${proxy.port}/test`,
      failures: 100,
      timeout: '2400ms',
    });
    const sound = await here().machines.ready({ uri: server.url, timeout: '5s' });
    await rig.set('cat', 'old');
    // State, ticket, value: the third is on its way when the caller gives up, and arrives 100 ms later.
    proxy.delayMs = 1_000;
    const writing = rig.set('cat', 'late').catch((error: unknown) => error);
    await pause(2_405);
    expect(await instead(sound)).toBe('newer');
    expect(await writing).toBeInstanceOf(CacheError);
    for (let round = 0; round < 12; round++) {
      expect(await sound.get('cat')).toBe('newer');
      await pause(60);
    }
  });

  itConcurrent('a put that began before a write does not undo it, however far the write has come', async () => {
    const server = await start();
    const client = await mongo.MongoClient.connect(server.url);
    here().ends.push(() => client.close());
    const [storing, stored] = [new Deferred<void>(), new Deferred<void>()];
    const steps: (() => unknown)[] = [];
    const connection = withCollections(client, (documents) => ({
      bulkWrite: async (...args: Parameters<typeof documents.bulkWrite>) => {
        await steps.shift()?.();
        return documents.bulkWrite(...args);
      },
    }));
    const rig = await here().machines.ready({ connection, ...LONG_TIMEOUTS });
    steps.push(
      () => undefined,
      () => (storing.resolve(), stored.promise),
    );
    const sound = await here().machines.ready({ uri: server.url, ...LONG_TIMEOUTS });
    let writing: Promise<void> | undefined;
    await sound.put('cat', async () => {
      writing = rig.set('cat', 'newer');
      await storing.promise;
      return 'old';
    });
    stored.resolve();
    await writing;
    expect(await sound.get('cat')).not.toBe('old');
  });

  itConcurrent(
    'A6: a write that waited behind a repeated invalidation is over when its caller is told that it failed',
    async () => {
      const server = await start();
      const client = await mongo.MongoClient.connect(server.url);
      here().ends.push(() => client.close());
      const sound = await here().machines.ready({ uri: server.url, ...LONG_TIMEOUTS });
      const tickets = new Deferred<void>();
      let isReady = false;
      const evictions = [() => Promise.reject(new Error('no connection in time')), () => pause(700)];
      const connection = withCollections(client, (documents) => ({
        findOneAndDelete: (async (...args: Parameters<typeof documents.findOneAndDelete>) => {
          await evictions.shift()?.();
          return documents.findOneAndDelete(...args);
        }) as never,
        bulkWrite: async (...args: Parameters<typeof documents.bulkWrite>) => {
          if (isReady) await tickets.promise;
          return documents.bulkWrite(...args);
        },
      }));
      const impatient = { failures: 100, timeout: '1s', invalidationTimeout: 1, pause: '1m' } as const;
      const rig = await here().machines.ready({ connection, ...impatient });
      isReady = true;
      await expect(rig.evict('dog')).rejects.toBeInstanceOf(InvalidationUnknownError);
      // Two thirds of its time are over when the eviction has been sent again.
      await expect(rig.set('cat', 'late')).rejects.toBeInstanceOf(CacheError);
      expect(evictions).toEqual([]);
      await sound.evict('cat');
      expect(await sound.load('cat', () => 'newer')).toBe('newer');
      tickets.resolve();
      for (let round = 0; round < 10; round++) {
        expect(await sound.get('cat')).toBe('newer');
        await pause(30);
      }
    },
  );

  itConcurrent.each(LEVELS)(
    'A56, %s: a pool that is exhausted by slow commands is a miss, not a queue',
    async (_, { over }) => {
      const server = await start();
      const rig = await here().machines.ready({
        uri: server.url,
        maxConnections: 1,
        failures: 1_000,
        ...(over === undefined ? {} : { over }),
      });
      await (await here().machines.ready({ uri: server.url, ...LONG_TIMEOUTS })).set('cat', 'Tom');
      await failCommands(server.url, { failCommands: ['find'], blockTimeMS: 700 }, 'always');
      const { answer, tookMs } = await timed(() =>
        Promise.all(Array.from({ length: 30 }, (_, index) => rig.load(`k${index}`, () => index))),
      );
      expect(answer).toEqual(Array.from({ length: 30 }, (_, index) => index));
      expect(tookMs).toBeLessThan(3 * BOUND_MS);
      await failNothing(server.url);
      await until('the server is used again', async () => (await rig.get('cat')) === 'Tom');
    },
  );

  itConcurrent('A60: without a server the error of a loader reaches its caller as it is', async () => {
    const rig = here().machines.on({ uri: (await nowhere()).url });
    class DatabaseDown extends Error {}
    const error = new DatabaseDown('no database');
    await expect(rig.load('cat', () => Promise.reject(error))).rejects.toBe(error);
  });

  itConcurrent(
    'G7: a server that comes back without the last invalidations is told them before any caller reads',
    async () => {
      const server = await start();
      const proxy = await TcpProxy.before(server.port);
      here().ends.push(() => proxy.close());
      const rig = await here().machines.ready({
        uri: `mongodb://127.0.0.1:${proxy.port}/test`,
        failures: 1_000,
        invalidationTimeout: '10s',
      });
      const sound = await here().machines.ready({ uri: server.url, ...LONG_TIMEOUTS });
      await sound.set('cat', 'old', { tags: ['red'] });
      await sound.set('dog', 'old');
      await sound.set('cow', 'kept');
      const before = await withDb(server.url, (db) => db.collection('scoped_cache').find().toArray());
      await rig.invalidateTag('red');
      await rig.evict('dog');
      proxy.mode = 'refuse';
      proxy.reset();
      // It starts with what it knew before the invalidations.
      await server.restartEmpty();
      await withDb(server.url, (db) => db.collection('scoped_cache').insertMany(before));
      const seen = new Set<unknown>();
      let isOver = false;
      // Readers that begin at every moment, also while it is being found out who answers.
      const reader = async (): Promise<void> => {
        while (!isOver) {
          seen.add(await rig.get('cat')).add(await rig.get('dog'));
          await pause(3);
        }
      };
      const readers = Promise.all(Array.from({ length: 20 }, reader));
      proxy.mode = 'pass';
      await until('the server is used again', async () => (await rig.get('cow')) === 'kept');
      isOver = true;
      await readers;
      seen.add(await rig.get('cat')).add(await rig.get('dog'));
      expect([...seen]).toEqual([undefined]);
    },
  );

  itConcurrent('G8: an invalidation made while no server answered is made up for before any caller reads', async () => {
    const server = await start();
    const proxy = await TcpProxy.before(server.port);
    here().ends.push(() => proxy.close());
    const rig = await here().machines.ready({ uri: `mongodb://127.0.0.1:${proxy.port}/test` });
    const sound = await here().machines.ready({ uri: server.url, ...LONG_TIMEOUTS });
    await sound.set('cat', 'old', { tags: ['red'] });
    await sound.set('dog', 'old');
    proxy.mode = 'refuse';
    proxy.reset();
    await expect(rig.evict('dog')).rejects.toBeInstanceOf(InvalidationUnknownError);
    await expect(rig.invalidateTag('red')).rejects.toBeInstanceOf(InvalidationUnknownError);
    proxy.mode = 'pass';
    const seen: unknown[] = [];
    await until('the server is used again', async () => {
      seen.push(await rig.get('cat'), await rig.get('dog'));
      await rig.load('probe', () => 1);
      return (await rig.get('probe')) === 1;
    });
    expect(new Set(seen)).toEqual(new Set([undefined]));
  });
});
