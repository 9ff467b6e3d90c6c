/** What a server, or a process with access to it, can do to documents: rows A53 to A64 and B17 to B21. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createConnection, mongo, type Connection } from 'mongoose';
import { MongoConnection } from '../../lib/backends/mongo/connection/connection.js';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import { resolveMongoOptions } from '../../lib/backends/mongo/options.js';
import { MongoCleanup } from '../../lib/backends/mongo/cleanup.js';
import { ServerClock } from '../../lib/backends/remote/server-clock.js';
import type { BackendFactory } from '../../lib/core/backend.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { BackendError, InvalidationUnknownError, ValueTooLargeError } from '../../lib/core/errors.js';
import { RefusedError } from '../../lib/backends/shared/refused.error.js';
import { Source, type Options, type Rig } from '../support/machine/rig.js';
import { failCommands, failNothing } from '../support/mongo/fail-command.js';
import { mongoBackend, MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { skewed } from '../support/mongo/skewed.js';
import { withCollections } from '../support/mongo/stand-in.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { timed } from '../support/redis/machines.js';
import { pause, until } from '../support/redis/redis-process.js';

jest.setTimeout(90_000);

/** Nothing here is about time running out, and machines that build other things meanwhile are slow. */
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const LONG_TIMEOUTS = { failures: 1_000, timeout: '3s', invalidationTimeout: '10s' } as const;
/** Where hundreds of calls are under way at once. */
const PATIENT = { timeout: '30s', invalidationTimeout: '40s' } as const;

/** Where every hit is checked, a copy is worth what the document is worth. */
const CHECKED: [string, { readonly over?: (l2: BackendFactory) => BackendFactory }][] = [
  ['on MongoDB', {}],
  ['with memory over MongoDB', { over: (l2) => tiered({ l1: memory(), l2, maxUnvalidated: 0, bus: false }) }],
];

type Raw = { _id: string; [field: string]: unknown };

describeWithMongo('documents that are lost, damaged or forged', () => {
  describe.each(CHECKED)('%s', (_levels, over) => {
    let server: MongoProcess;
    let client: mongo.MongoClient;
    let machines: MongoMachines;
    let raw: mongo.Collection<Raw>;
    beforeAll(async () => {
      server = await MongoProcess.start();
      client = new mongo.MongoClient(server.url);
    });
    afterAll(async () => {
      await client.close();
      await server.stop();
    });
    afterEach(async () => {
      await failNothing(server.url);
      await machines.close();
    });

    const ready = (options: object = {}, limits?: object): Promise<Rig<Clock>> =>
      machines.ready({ uri: server.url, collection: machines.prefix, ...LONG_TIMEOUTS, ...over, ...options }, limits);
    const fresh = async (options?: object, limits?: object): Promise<Rig<Clock>> => {
      machines = new MongoMachines();
      raw = client.db().collection<Raw>(machines.prefix);
      return ready(options, limits);
    };
    /** How much is kept about thousands of tags: what a level above makes of it, `are checked` in tiered.spec says. */
    const isAlone = over.over === undefined;
    const nameOf = (rig: Rig<Clock>, name: unknown, options?: Options): string => {
      const { id, space } = rig.key(name, options);
      return `${machines.prefix}:1:e:${space.partition}:${id}`;
    };
    const stateName = (): string => `${machines.prefix}:1:m:t.acme`;
    /** So many tags have been invalidated before, in a few steps. */
    const remembered = async (rig: Rig<Clock>, tags: number): Promise<void> => {
      const labels = Array.from({ length: tags }, (_, at) =>
        rig.machine.keyFactory.tagLabel(rig.scope(), 'tenant', `before ${at}`),
      );
      for (let at = 0; at < tags; at += 250)
        await rig.machine.engine.writes.invalidate(rig.space(), labels.slice(at, at + 250));
    };

    describe('A53: a primary that steps down', () => {
      const NOT_PRIMARY = { errorCode: 10_107, errorCodeName: 'NotWritablePrimary' };

      it('during an eviction: it is sent again, and the entry is gone', async () => {
        const rig = await fresh();
        await rig.set('cat', 'old', { tags: ['red'] });
        await rig.set('dog', 'old');
        await failCommands(server.url, { failCommands: ['findAndModify'], ...NOT_PRIMARY }, 1);
        await rig.evict('dog');
        await failCommands(server.url, { failCommands: ['findAndModify'], ...NOT_PRIMARY }, 1);
        await rig.invalidateTag('red');
        expect([await rig.get('cat'), await rig.get('dog')]).toEqual([undefined, undefined]);
      });

      it.each([
        ['a router that does not reach a shard', 202, 'NetworkInterfaceExceededTimeLimit'],
        ['a server that has too much to do', 462, 'IngressRequestRateLimitExceeded'],
      ])('%s is asked again, too', async (_what, errorCode, errorCodeName) => {
        const rig = await fresh();
        await rig.set('cat', 'old');
        await failCommands(server.url, { failCommands: ['findAndModify'], errorCode, errorCodeName }, 1);
        await rig.evict('cat');
        expect(await rig.get('cat')).toBeUndefined();
      });

      it('for longer than an invalidation is tried: its caller is told, and it is made up for', async () => {
        const rig = await fresh({ invalidationTimeout: '200ms' });
        await rig.set('cat', 'old');
        await failCommands(server.url, { failCommands: ['findAndModify'], ...NOT_PRIMARY }, 'always');
        await expect(rig.evict('cat')).rejects.toBeInstanceOf(InvalidationUnknownError);
        await failNothing(server.url);
        await until(
          'the eviction was made up for',
          async () => (await raw.countDocuments({ v: { $exists: true } })) === 0,
        );
        expect(await rig.get('cat')).toBeUndefined();
      });

      it('before the majority knows of an eviction: its caller is not told that it is done', async () => {
        const rig = await fresh({ invalidationTimeout: '200ms' });
        await rig.set('cat', 'old');
        const writeConcernError = {
          code: 64,
          codeName: 'WriteConcernFailed',
          errmsg: 'waiting for replication timed out',
        };
        await failCommands(server.url, { failCommands: ['findAndModify'], writeConcernError }, 'always');
        await expect(rig.evict('cat')).rejects.toBeInstanceOf(InvalidationUnknownError);
      });
    });

    it('A53: a write that met a step-down, or whose answer was lost, was not refused: it was not answered', async () => {
      const proxy = await TcpProxy.before(server.port);
      const uri = `mongodb://127.0.0.1:${proxy.port}/test?retryWrites=false`;
      try {
        const rig = await fresh({ uri });
        await rig.set('cat', 'old');
        const failed = (): Promise<unknown> => rig.set('cat', 'new').catch((error: unknown) => error);
        const concern = { code: 64, codeName: 'WriteConcernFailed', errmsg: 'waiting for replication timed out' };
        await failCommands(server.url, { failCommands: ['update'], writeConcernError: concern }, 'always');
        const unreplicated = await failed();
        await failCommands(server.url, { failCommands: ['update'], blockTimeMS: 300 }, 'always');
        const before = proxy.bytesUp;
        const cut = failed();
        await until('it is under way', () => proxy.bytesUp > before);
        proxy.reset();
        for (const error of [unreplicated, await cut]) {
          expect(error).toBeInstanceOf(BackendError);
          expect(error).not.toBeInstanceOf(RefusedError);
        }
        await failCommands(
          server.url,
          { failCommands: ['update'], errorCode: 13, errorCodeName: 'Unauthorized' },
          'always',
        );
        await until('it is used again, and refuses', async () => (await failed()) instanceof RefusedError);
      } finally {
        await proxy.close();
      }
    });

    it('A51: what a process stored whose clock is ahead, one whose clock is behind invalidates all the same', async () => {
      await fresh();
      const connections = [1, 2].map(() => createConnection(server.url));
      await Promise.all(connections.map((connection) => connection.asPromise()));
      const [ahead, behind] = await Promise.all(
        connections.map((connection, at) =>
          ready({ uri: undefined, connection: skewed(connection, at === 0 ? 1_500 : -1_500) }),
        ),
      );
      for (const invalidate of [() => behind!.invalidateTag('red'), () => behind!.clear({ tenant: 'acme' })]) {
        await ahead!.set('any', 1);
        // From now on the clock of the tenant is that of the one who is ahead.
        await ahead!.invalidateTag('another');
        await ahead!.set('cat', 'old', { tags: ['red'] });
        await invalidate();
        expect([await behind!.get('cat'), await ahead!.get('cat')]).toEqual([undefined, undefined]);
      }
      await machines.close();
      await Promise.all(connections.map((connection) => connection.close(true)));
    });

    it('A54: an expired document that the TTL monitor has not taken is never served, and the cleanup takes it', async () => {
      const rig = await fresh();
      await rig.set('cat', 'Tom', { ttl: 60 });
      await rig.set('dog', 'Rex', { ttl: '1h' });
      await pause(80);
      expect(await rig.get('cat')).toBeUndefined();
      expect(await raw.countDocuments({ v: { $exists: true } })).toBe(2);
      await raw.updateOne({ _id: nameOf(rig, 'cat') }, { $set: { x: new Date(Date.now() - 3_600_000) } });
      const options = resolveMongoOptions({ uri: server.url, collection: machines.prefix });
      const none = {
        probe: async () => 'one',
        onUse: () => undefined,
        onReborn: () => undefined,
        onReachable: () => undefined,
        onProblem: () => undefined,
      };
      const connection = new MongoConnection(options, none, systemClock);
      let late = 0;
      const cleanup = new MongoCleanup(connection, systemClock, new ServerClock(systemClock), Math.random, async () => {
        late++;
      });
      expect(await cleanup.run()).toBe(1);
      expect(await cleanup.run()).toBe(0);
      expect(late).toBe(1);
      await connection.close();
      expect(await rig.get('dog')).toBe('Rex');
      expect(await raw.countDocuments({ v: { $exists: true } })).toBe(1);
    });

    it('A57: of a hundred that miss at once on two machines one loads, and what it loads is not loaded again', async () => {
      const rig = await fresh({ timeout: '10s' });
      const other = await ready({ timeout: '10s' });
      for (let round = 0; round < 8; round++) {
        let loads = 0;
        const load = async (): Promise<number> => ++loads;
        const answers = await Promise.all(
          Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? rig : other).load(`cold ${round}`, load)),
        );
        expect(loads).toBe(1);
        expect(new Set(answers)).toEqual(new Set([1]));
      }
      expect(rig.recorded.of('warning')).toEqual([]);
    });

    it('A57: a caller that looked before another had filled is handed what was filled', async () => {
      const rig = await fresh();
      const other = await ready();
      // The first one's grant is held up until the second has loaded and stored.
      await rig.load('warm', () => 1);
      await failCommands(server.url, { failCommands: ['update'], blockTimeMS: 120 }, 1);
      let loads = 0;
      const load = async (): Promise<number> => ++loads;
      const first = rig.load('cat', load);
      await pause(30);
      expect(await other.load('cat', load)).toBe(1);
      expect(await first).toBe(1);
      expect(loads).toBe(1);
    });

    it('A58: a value that no document can hold is refused before it is sent, and a loaded one reaches its caller', async () => {
      const limits = { maxValueBytes: 8_388_608 };
      const rig = await fresh({ timeout: '10s' }, limits);
      const huge = randomBytes(17_000_000);
      await expect(rig.set('cat', huge)).rejects.toBeInstanceOf(ValueTooLargeError);
      expect(await rig.load('cat', () => huge)).toBe(huge);
      expect(await rig.get('cat')).toBeUndefined();
      // Within the limit, and six times as long where nothing compresses it.
      const codec = { compression: false } as const;
      const backend = mongoBackend({ uri: server.url, collection: machines.prefix, timeout: '10s', codec, limits });
      const draft = { value: '\u0001'.repeat(2_700_000), labels: [], freshForMs: 1_000, keptForMs: 1_000 };
      const writing = (async () => backend.write(rig.key('cat'), { ...draft, isolation: undefined }))();
      await expect(writing).rejects.toBeInstanceOf(ValueTooLargeError);
      await backend.close();
      await rig.set('dog', 'Rex');
      expect(await rig.get('dog')).toBe('Rex');
    });

    it('A59: an index that cannot be made is told, and one that was dropped changes nothing', async () => {
      const rig = await fresh();
      const conflict = { errorCode: 85, errorCodeName: 'IndexOptionsConflict' };
      await failCommands(server.url, { failCommands: ['createIndexes'], ...conflict }, 1);
      const second = await ready();
      await until('it is told', () =>
        second.recorded.of('warning').some(({ message }) => message.includes('IndexOptionsConflict')),
      );
      await second.set('cat', 'Tom', { ttl: 50 });
      await second.set('dog', 'Rex');
      await raw.dropIndex('cache_expiry').catch(() => undefined);
      await pause(60);
      expect([await rig.get('cat'), await rig.get('dog')]).toEqual([undefined, 'Rex']);
      expect(await second.clear({ tenant: 'acme' })).toBe(1);
    });

    it('A59: an index that went with its collection is made again once something is left lying', async () => {
      let sweep: (() => void) | undefined;
      const clock: Clock = {
        nowMs: () => systemClock.nowMs(),
        monotonicMs: () => systemClock.monotonicMs(),
        sleep: (ms) => systemClock.sleep(ms),
        // Minutes are what a sweep waits for, and nothing else.
        breathe: () => systemClock.breathe(),
        after: (ms, work) => {
          if (ms < 100_000) return systemClock.after(ms, work);
          sweep = work;
          return () => undefined;
        },
      };
      await fresh();
      const { over: wrap } = over;
      const backend = mongoBackend({
        uri: server.url,
        collection: machines.prefix,
        clock,
        ...LONG_TIMEOUTS,
        ...(wrap === undefined ? {} : { over: wrap }),
      });
      try {
        await backend.open?.();
        const isIndexed = async (): Promise<boolean> =>
          (await raw.indexes().catch(() => [])).some(({ name }) => name === 'cache_expiry');
        await until('the index is made', isIndexed);
        await raw.drop();
        await raw.insertOne({ _id: 'late', x: new Date(Date.now() - 3_600_000) });
        expect(await isIndexed()).toBe(false);
        sweep?.();
        await until('it is made again', isIndexed);
        expect(await raw.countDocuments({ _id: 'late' })).toBe(0);
      } finally {
        await backend.close();
      }
    });

    it('A18: when the state of a shard was lost the shard is empty, and a fill under way is refused', async () => {
      const rig = await fresh();
      await rig.set('cat', 'old');
      const source = new Source<string>();
      const loading = rig.load('dog', source.load);
      await until('the loader runs', () => source.calls.length === 1);
      await raw.deleteOne({ _id: stateName() });
      expect(await rig.get('cat')).toBeUndefined();
      await rig.load('bird', () => 1);
      source.answer(0, 'loaded');
      expect(await loading).toBe('loaded');
      expect([await rig.get('dog'), await rig.get('cat')]).toEqual([undefined, undefined]);
      expect(await rig.get('bird')).toBe(1);
    });

    it('A19, A28: a fill whose lease is gone, with its document or with everything, is refused', async () => {
      const rig = await fresh();
      for (const lose of [() => raw.deleteOne({ _id: nameOf(rig, 'dog') }), () => raw.deleteMany({})]) {
        const source = new Source<string>();
        const loading = rig.load('dog', source.load);
        await until('the loader runs', () => source.calls.length === 1);
        await lose();
        source.answer(0, 'loaded');
        expect(await loading).toBe('loaded');
        expect(await rig.get('dog')).toBeUndefined();
      }
      expect(rig.recorded.of('refused').map(({ reason }) => reason)).toEqual(['lease-lost', 'lease-lost']);
      expect(await rig.load('dog', () => 'again')).toBe('again');
      expect(await rig.get('dog')).toBe('again');
    });

    it('A63: what a tenant leaves behind ends by itself, and a state outlives its entries', async () => {
      const rig = await fresh();
      for (let index = 0; index < 50; index++) {
        await rig.set('cat', index, { tenant: `tenant ${index}`, ttl: '10m', tags: ['red'] });
        await rig.invalidateTag('red', { tenant: `tenant ${index}` });
      }
      await rig.set('endless', 1, { ttl: null });
      await rig.load('loaded', () => 1, { tenant: 'loads', ttl: '20h' });
      const documents = await raw.find().toArray();
      expect(documents.length).toBeGreaterThanOrEqual(102);
      for (const { _id, x } of documents) {
        expect(x).toBeInstanceOf(Date);
        if (_id.includes(':m:')) expect((x as Date).getTime()).toBeGreaterThan(Date.now() + 600_000);
      }
      const state = documents.find(({ _id }) => _id === stateName());
      // What has no ttl is kept for a year, and the state for a day longer.
      expect(Number(state?.['x'])).toBeGreaterThan(Date.now() + YEAR_MS);
      for (const { x } of documents) expect(Number(x)).toBeLessThan(Date.now() + YEAR_MS + 2 * DAY_MS);
      const loads = documents.find(({ _id }) => _id === `${machines.prefix}:1:m:t.loads`);
      expect(Number(loads?.['x'])).toBeGreaterThan(Date.now() + 20 * 3_600_000);
    });

    it('A78: every document ends within a year and a day; counted with again, what has no ttl is kept for another year', async () => {
      const rig = await fresh();
      const { writes } = rig.machine.engine;
      const count = (name: string): Promise<number> => writes.increment(rig.key(name), 1, rig.policy({ ttl: null }));
      const endOf = async (_id: string): Promise<number> => Number((await raw.findOne({ _id }))?.['x']);
      const soon = new Date(Date.now() + 60_000);
      await rig.set('set', 1, { ttl: null });
      await rig.load('loaded', () => 1, { ttl: null });
      await count('counted');
      await count('set');
      await rig.set('expired', 1);
      await writes.expire(rig.key('expired'), Infinity, rig.policy());
      await rig.invalidateTag('red');
      await rig.evict('loaded');
      for (const { x } of await raw.find().toArray()) {
        expect(x).toBeInstanceOf(Date);
        expect(Number(x)).toBeLessThan(Date.now() + YEAR_MS + 2 * DAY_MS);
      }
      const names = ['counted', 'set'].map((name) => nameOf(rig, name));
      await raw.updateMany({ _id: { $in: [...names, stateName()] } }, { $set: { x: soon } });
      expect([await count('counted'), await count('set')]).toEqual([2, 3]);
      for (const name of names) expect(await endOf(name)).toBeGreaterThan(Date.now() + YEAR_MS - DAY_MS);
      expect(await endOf(stateName())).toBeGreaterThan(Date.now() + YEAR_MS - DAY_MS);
      // As earlier versions left it.
      await raw.updateOne({ _id: stateName() }, { $set: { x: new Date('9999-01-01T00:00:00Z') } });
      await rig.set('cat', 'Tom');
      expect(await endOf(stateName())).toBeLessThan(Date.now() + YEAR_MS + 2 * DAY_MS);
    });

    if (isAlone)
      it('A64: thousands of tags of one tenant take bounded room, and what they invalidated stays invalid', async () => {
        const rig = await fresh(PATIENT);
        await rig.set('early', 'old', { tags: ['tag 5'] });
        await rig.invalidateTag('tag 5');
        await remembered(rig, 2_000);
        for (let done = 0; done < 400; done += 200) {
          await Promise.all(Array.from({ length: 200 }, (_, index) => rig.invalidateTag(`tag ${done + index}`)));
        }
        const state = await raw.findOne({ _id: stateName() });
        expect(Object.keys(state?.['t'] as object).length).toBeLessThan(2_300);
        expect(await rig.get('early')).toBeUndefined();
        await rig.set('late', 'old', { tags: ['tag 7'] });
        expect(await rig.get('late')).toBe('old');
        await rig.invalidateTag('tag 7');
        expect(await rig.get('late')).toBeUndefined();
      });

    if (isAlone)
      it('A64: more tags than are remembered, invalidated at once, are no longer than one clear', async () => {
        const rig = await fresh(PATIENT);
        await rig.set('cat', 'old', { tags: ['tag 4999'] });
        const labels = Array.from({ length: 5_000 }, (_, at) =>
          rig.machine.keyFactory.tagLabel(rig.scope(), 'tenant', `tag ${at}`),
        );
        await rig.machine.engine.writes.invalidate(rig.space(), labels);
        expect(await rig.get('cat')).toBeUndefined();
        expect(await raw.findOne({ _id: stateName() })).not.toHaveProperty('t');
      });

    if (isAlone)
      it('A64: processes that each invalidate few tags, and end, leave no more behind', async () => {
        const first = await fresh();
        await first.set('early', 'old', { tags: ['tag 5'] });
        await remembered(first, 1_900);
        for (let done = 0; done < 1_260; done += 90) {
          const rig = await ready(PATIENT);
          await Promise.all(Array.from({ length: 90 }, (_, index) => rig.invalidateTag(`tag ${done + index}`)));
          await rig.machine.close();
        }
        const state = await raw.findOne({ _id: stateName() });
        expect(Object.keys(state?.['t'] as object).length).toBeLessThan(3_000);
        expect(await (await ready()).get('early')).toBeUndefined();
      });

    it('B18: a cache of another prefix or number of shards is a cache of its own', async () => {
      const rig = await fresh();
      const wider = await ready({ shards: 4 });
      const elsewhere = await machines.ready({ uri: server.url, collection: machines.prefix }, undefined, 'elsewhere');
      await rig.set('cat', 'Tom');
      expect([await wider.get('cat'), await elsewhere.get('cat')]).toEqual([undefined, undefined]);
      await elsewhere.machine.engine.writes.clearEverything(elsewhere.space());
      expect(await rig.get('cat')).toBe('Tom');
    });

    it('B15, B16, B18: an envelope that is damaged, cut or of a later version is a miss, until something replaces it', async () => {
      const rig = await fresh();
      // Stored by another, and never read whole: there is no copy of it here.
      await (await ready()).set('cat', 'Tom');
      const name = nameOf(rig, 'cat');
      const whole = (await raw.findOne({ _id: name }, { promoteBuffers: true }))?.['v'] as Buffer;
      const flipped = Array.from({ length: whole.length }, (_, at) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ 0x55;
        return bytes;
      });
      for (const bytes of [...flipped, Buffer.alloc(0), whole.subarray(0, 1), whole.subarray(0, -1)]) {
        await raw.updateOne({ _id: name }, { $set: { v: bytes } });
        expect(await rig.get('cat')).toBeUndefined();
      }
      expect(await rig.load('cat', () => 'again')).toBe('again');
      expect(await rig.get('cat')).toBe('again');
    });

    it.each([
      ['text for bytes', { v: 'x' }],
      ['a mark that is none', { m: 5 }],
      ['a mark that is an operator', { m: { $gt: '' } }],
      ['a lease that is none', { l: 'x', m: null }],
      ['tickets that are none', { w: 5 }],
      ['labels that are none', { g: { length: 3 } }],
      ['nothing of ours', { v: null, m: null, i: 1, s: 'x', l: [1], w: null }],
    ])('B19: %s under an entry: it is loaded, stored and removed as if nothing were there', async (_, forged) => {
      const rig = await fresh();
      const name = nameOf(rig, 'cat');
      await rig.load('dog', () => 1);
      await raw.insertOne({ _id: name, ...forged });
      expect(await rig.get('cat')).toBeUndefined();
      expect(await rig.load('cat', () => 'Tom')).toBe('Tom');
      expect(await rig.get('cat')).toBe('Tom');
      await raw.updateOne({ _id: name }, { $set: forged });
      await rig.evict('cat');
      await raw.insertOne({ _id: name, ...forged });
      await rig.clear({ tenant: 'acme' });
      await rig.removeMatching('*');
    });

    it('B19: a state that is none: reads are loaded, and the first removal takes it away with all that was valid by it', async () => {
      const rig = await fresh();
      await rig.set('cat', 'old');
      await raw.replaceOne({ _id: stateName() }, { i: 'x', c: 'x', f: {}, b: null, t: [] } as never);
      expect(await rig.load('cat', () => 'loaded')).toBe('loaded');
      await rig.invalidateTag('red');
      expect((await raw.findOne({ _id: stateName() }))?.['i']).not.toBe('x');
      expect(await rig.get('cat')).not.toBe('old');
    });

    it('B20: a document that was copied under another name is served to no caller', async () => {
      const rig = await fresh();
      await rig.set('cat', 'of acme');
      await rig.set('cat', 'of beta', { tenant: 'beta' });
      const own = (await raw.findOne({ _id: nameOf(rig, 'cat') })) as Raw;
      const name = `${machines.prefix}:1:e:t.beta:${rig.key('cat', { tenant: 'beta' }).id}`;
      const state = await raw.findOne({ _id: `${machines.prefix}:1:m:t.beta` });
      await raw.replaceOne({ _id: name }, { ...own, _id: name, i: state?.['i'] } as never);
      expect(await rig.get('cat', { tenant: 'beta' })).toBeUndefined();
      expect(rig.recorded.of('identity-mismatch')).toHaveLength(1);
    });

    it('B21: an older document that was put back after an invalidation is invalid', async () => {
      const rig = await fresh();
      await rig.set('cat', 'old', { tags: ['red'] });
      const old = (await raw.findOne({ _id: nameOf(rig, 'cat') })) as Raw;
      await rig.invalidateTag('red');
      await rig.set('cat', 'new', { tags: ['red'] });
      await raw.replaceOne({ _id: old._id }, old as never);
      expect(await rig.get('cat')).toBeUndefined();
    });

    it('A62: what is stored while a clear tidies up stays', async () => {
      const rig = await fresh();
      const other = await ready();
      await rig.set('cat', 'old');
      await failCommands(server.url, { failCommands: ['delete'], blockTimeMS: 200 }, 1);
      const clearing = rig.clear({ tenant: 'acme' });
      await pause(80);
      await other.set('cat', 'new');
      await clearing;
      expect([await other.get('cat'), await (await ready()).get('cat')]).toEqual(['new', 'new']);
    });

    if (isAlone)
      it('A64: a tag that is invalidated while it is to be forgotten is not', async () => {
        await fresh();
        const other = await ready(PATIENT);
        let forgetting = 0;
        const connection = interrupted(client, async (change) => {
          // It has seen that the tag is among the oldest, and does not know of what comes now.
          if (
            Object.keys((change['$unset'] ?? {}) as object).some((path) => path.startsWith('t.')) &&
            ++forgetting === 1
          )
            await other.invalidateTag('tag 0');
        });
        const rig = await ready({ uri: undefined, connection, ...PATIENT });
        await rig.set('cat', 'old', { tags: ['tag 0'] });
        await rig.invalidateTag('tag 0');
        await remembered(rig, 1_750);
        for (let done = 0; forgetting === 0 && done < 2_250; done += 250) {
          // Born after whatever is forgotten next, so that the minimum stamp alone does not make it invalid.
          await rig.set('cat', 'old', { tags: ['tag 0'] });
          await Promise.all(Array.from({ length: 250 }, (_, index) => rig.invalidateTag(`more ${done + index}`)));
        }
        expect(forgetting).toBeGreaterThan(0);
        expect(await (await ready()).get('cat')).toBeUndefined();
      });

    it('A62: clearing a tenant of many keys invalidates at once', async () => {
      const rig = await fresh({ timeout: '10s' });
      const entries = Array.from({ length: 2_000 }, (_, index) => [rig.key(index), 1, rig.policy()] as const);
      await rig.machine.engine.writes.setMany(entries);
      const clearing = rig.clear({ tenant: 'acme' });
      await pause(30);
      const { answer } = await timed(() => rig.get(7));
      expect(answer).toBeUndefined();
      expect(await clearing).toBe(2_000);
    });
  });
});

/** A connection on which something happens before each change of one document is sent. */
function interrupted(client: mongo.MongoClient, before: (change: mongo.Document) => Promise<void>): Connection {
  return withCollections(client, (documents) => ({
    updateOne: async (...args) => {
      await before(args[1] as mongo.Document);
      return documents.updateOne(...args);
    },
  }));
}
