/** Memory over MongoDB, told by its change stream: what one changes the others hear of, however long copies are believed. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createRequire } from 'node:module';
import { createConnection, mongo as driver, type Connection } from 'mongoose';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import type { TieredOptions } from '../../lib/backends/tiered/options.js';
import type { BackendFactory } from '../../lib/core/backend.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { CacheError } from '../../lib/core/errors.js';
import { History, worstOf } from '../history/support/history.js';
import { play } from '../history/support/play.js';
import { RigSubject } from '../history/support/subject.js';
import { caughtUp, firstLevelOf, isNear, levelOf, near } from '../support/bus/tiered-machines.js';
import { Rig } from '../support/machine/rig.js';
import { itConcurrent, ownOfEachTest } from '../support/own.js';
import { mongoHarness } from '../support/mongo/contract-harness.js';
import { SpareServers } from '../support/mongo/spare-servers.js';
import { failCommands } from '../support/mongo/fail-command.js';
import { mongoFactory, MongoMachines, type MongoMachineOptions } from '../support/mongo/mongo-machine.js';
import { MongoProcess, withDb } from '../support/mongo/mongo-process.js';
import { withCollections } from '../support/mongo/stand-in.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { isAboutThePath, proveContract } from '../support/servers/contract-harness.js';
import { pause, randomPrefix, until } from '../support/redis/redis-process.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(60_000);

/** Its own types say that they are those of `mongoose`. */
const mongoose8 = createRequire(import.meta.url)('mongoose-8') as typeof import('mongoose');

/** Nothing is checked: copies are dropped by messages, and by knowing that messages are missing. */
const BY_BUS: Pick<TieredOptions, 'maxUnvalidated' | 'bus'> = { maxUnvalidated: '1h', bus: { heartbeat: 200 } };
/** Signs of life are waited for much longer than any test takes: on a busy machine one may be late, and copies would go. */
const UNHURRIED: Pick<TieredOptions, 'maxUnvalidated' | 'bus'> = { maxUnvalidated: '1h', bus: { heartbeat: '1m' } };
/** Nothing here is about time running out, and machines that build other things meanwhile are slow. */
const LONG_TIMEOUTS = { timeout: '10s', invalidationTimeout: '20s' } as const;

const [DURATION_MS, SEEDS] = soaking([20_000, [1, 2, 3]], [1_000, [1]]);
/** Fewer than these, and nothing being stale means little. */
const ENOUGH = { reads: 200, invalidations: 10 } as const;
const X_MS = 100;
/** A check counts from when it was sent, so a round trip and what a busy machine adds to it is generous. */
const ROUND_TRIP_MS = 50;

/** Topics of the contract that are about changes. */
const TOLD: ReadonlySet<string> = new Set(['writing', 'counting', 'eviction', 'invalidation', 'clearing']);

interface Named {
  readonly _id: string;
}

const over =
  (options: Pick<TieredOptions, 'maxUnvalidated' | 'bus'> = BY_BUS) =>
  (l2: BackendFactory): BackendFactory =>
    tiered({ l1: memory(), l2, ...options });

/** After which a process that was told of no stream looks again. */
const LOOKED_AGAIN_MS = 60_000;

/** How long a write is under way after it has been given up. */
const LATE_MS = 500;

/** A connection that is lost at some bulk of writes, which arrive all the same. */
function late(client: driver.MongoClient, isNow: () => boolean): Connection {
  return withCollections(client, (documents) => ({
    bulkWrite: async (...args) => {
      if (!isNow()) return documents.bulkWrite(...args);
      void pause(LATE_MS).then(() => documents.bulkWrite(...args));
      throw new Error('the connection was lost');
    },
  }));
}

describeWithMongo('memory over MongoDB with change streams', () => {
  let server: MongoProcess;
  const here = ownOfEachTest(() => new MongoMachines());
  beforeAll(async () => {
    server = await MongoProcess.start({ hasStreams: true });
  });
  afterAll(() => server.stop());

  const machine = (options: Partial<MongoMachineOptions> = {}): Promise<Rig<Clock>> => {
    const { machines } = here();
    return machines.ready({
      uri: server.url,
      collection: machines.prefix,
      ...LONG_TIMEOUTS,
      over: over(),
      ...options,
    });
  };
  /** Of which a test says that something stays. */
  const unhurried = (options: Partial<MongoMachineOptions> = {}): Promise<Rig<Clock>> =>
    machine({ over: over(UNHURRIED), ...options });
  const documents = <T>(work: (all: driver.Collection<Named>) => Promise<T>): Promise<T> =>
    withDb(server.url, (db) => work(db.collection(here().machines.prefix)));
  const isUp = async (rig: Rig<Clock>): Promise<boolean> =>
    (await firstLevelOf(rig).catch(() => undefined))?.bus === 'up';

  type Act = (rig: Rig<Clock>) => Promise<unknown>;
  const CHANGES: [string, Act, unknown][] = [
    ['evicts', (rig) => rig.evict('tom'), undefined],
    ['stores', (rig) => rig.set('tom', 2), 2],
    ['loads anew', async (rig) => (await rig.evict('tom'), rig.load('tom', async () => 3)), 3],
    ['invalidates a tag', (rig) => rig.invalidateTag('red'), undefined],
    ['clears', (rig) => rig.clear(), undefined],
    ['removes by a pattern', (rig) => rig.removeMatching('t*'), undefined],
    ['clears everything', async (rig) => rig.backend.clearEverything(), undefined],
  ];
  itConcurrent.each(CHANGES)('what one %s the others do not answer any more', async (_, act, now) => {
    const [a, b] = [await machine(), await machine()];
    expect(await isUp(b)).toBe(true);
    await a.set('tom', 1, { tags: ['red'] });
    await a.set('kit', 1);
    await near(b, 'tom');
    await near(b, 'kit');
    await act(a);
    await until('the news', async () => (await b.get('tom')) === now);
  });

  itConcurrent('everything else stays, and what one has stored it keeps itself', async () => {
    const [a, b] = [await unhurried(), await unhurried()];
    await a.set('tom', 1, { tags: ['red'] });
    await a.set('kit', 1, { tags: ['blue'] });
    // News of the tenant's first change makes everything of it go.
    await caughtUp(a, b);
    await caughtUp(b, a);
    for (const rig of [a, b]) for (const name of ['tom', 'kit']) await near(rig, name);
    await a.invalidateTag('red');
    await a.invalidateTag('nobody has this');
    await a.evict('max');
    await a.load('max', async () => 1);
    await a.set('moritz', 1);
    await caughtUp(a, b);
    await caughtUp(b, a);
    expect(await b.get('tom')).toBeUndefined();
    expect(await levelOf(b, 'kit')).toBe('l1');
    for (const name of ['kit', 'max', 'moritz']) expect([name, await levelOf(a, name)]).toEqual([name, 'l1']);
  });

  itConcurrent('a value of its own whose outcome was unknown is told like others', async () => {
    const client = await new driver.MongoClient(server.url).connect();
    const b = await machine();
    await b.set('tom', 1);
    // What a process tries of a server at its start is no write of it.
    let isReady = false;
    let writes = 0;
    const connection = late(client, () => isReady && ++writes === 2);
    try {
      const a = await machine({ uri: undefined, connection });
      isReady = true;
      await expect(a.set('tom', 2)).rejects.toThrow(CacheError);
      await near(a, 'tom');
      expect(await a.get('tom')).toBe(1);
      await until('the news', async () => (await a.get('tom')) === 2);
    } finally {
      await here().machines.close();
      await client.close();
    }
  });

  itConcurrent(
    'of another tenant nothing goes, and of another cache in the same collection nothing is heard',
    async () => {
      const [a, b] = [await unhurried(), await unhurried()];
      const other = await here().machines.ready(
        { uri: server.url, collection: here().machines.prefix, ...LONG_TIMEOUTS, over: over(UNHURRIED) },
        undefined,
        `${here().machines.prefix}x`,
      );
      for (const rig of [a, other]) await rig.set('tom', 1);
      await a.set('tom', 1, { tenant: 'beta' });
      await caughtUp(a, b);
      await near(b, 'tom', { tenant: 'beta' });
      await near(b, 'tom');
      await other.clear();
      await a.clear();
      await until('the news', async () => (await b.get('tom')) === undefined);
      expect(await levelOf(b, 'tom', { tenant: 'beta' })).toBe('l1');
    },
  );

  itConcurrent('two labels of one state are told apart, the first one and those after it', async () => {
    const [a, b] = [await unhurried(), await unhurried()];
    for (const name of ['tom', 'kit', 'max']) await a.set(name, 1, { tags: [`of ${name}`] });
    await caughtUp(a, b);
    for (const name of ['tom', 'kit', 'max']) await near(b, name);
    for (const name of ['tom', 'kit']) {
      await a.invalidateTag(`of ${name}`);
      await until(`the news of ${name}`, async () => (await b.get(name)) === undefined);
      expect(await levelOf(b, 'max')).toBe('l1');
    }
  });

  const LOSSES: [string, (all: driver.Collection<Named>) => Promise<unknown>][] = [
    ['the state of the tenant is lost', (all) => all.deleteMany({ c: { $exists: true } })],
    ['another life of it begins', (all) => all.updateMany({ c: { $exists: true } }, { $set: { i: 'another' } })],
    ['its minimum stamp rises', (all) => all.updateMany({ c: { $exists: true } }, { $max: { f: 9e15 } })],
    [
      'a label has a field that no process knows',
      (all) => all.updateMany({ c: { $exists: true } }, { $set: { 't.unheard-of': 1 } }),
    ],
    [
      'the state is replaced',
      (all) =>
        all.bulkWrite([
          { deleteMany: { filter: { c: { $exists: true } } } },
          { insertOne: { document: { _id: `${here().machines.prefix}:1:m:t.acme` } } },
        ]),
    ],
  ];
  itConcurrent.each(LOSSES)('when %s, all copies of the tenant go', async (_, act) => {
    const [a, b] = [await machine(), await machine()];
    await a.set('tom', 1, { tags: ['red'] });
    await a.set('kit', 1, { tenant: 'beta' });
    await near(b, 'tom');
    await withDb(server.url, (db) => act(db.collection<Named>(here().machines.prefix)));
    await until('the copy is gone', async () => !isNear(b, 'tom'));
  });

  itConcurrent('expired documents that the server takes away are no trouble', async () => {
    const [a, b] = [await machine(), await machine()];
    await a.set('tom', 1);
    await near(b, 'tom');
    await documents((all) => all.deleteMany({ _id: { $regex: ':e:' } }));
    await until('the copy is gone', async () => (await b.get('tom')) === undefined);
  });

  itConcurrent('values and tags stay on the server: what comes by the stream is names', async () => {
    const client = await new driver.MongoClient(server.url, { monitorCommands: true }).connect();
    const connection = { getClient: () => client, db: client.db(), name: 'test' } as never;
    try {
      const told: string[] = [];
      client.on('commandSucceeded', ({ commandName, reply }) => {
        if (commandName === 'getMore') told.push(JSON.stringify(reply));
      });
      const a = await machine();
      const b = await machine({ uri: undefined, connection });
      await a.set('tom', 'a secret of tom', { tags: ['scarlet'] });
      await near(b, 'tom');
      await a.set('tom', 'another secret', { tags: ['scarlet'] });
      await a.invalidateTag('scarlet');
      await until('the news', async () => (await b.get('tom')) === undefined);
      const all = told.join('');
      expect(all).toContain('documentKey');
      expect(all).not.toMatch(/secret|scarlet|"v"|"g"|fullDocument/);
      expect(all).not.toContain(Buffer.from('secret').toString('base64').slice(0, 6));
    } finally {
      await here().machines.close();
      await client.close();
    }
  });

  itConcurrent('junk in the collection is no change', async () => {
    const [a, b] = [await unhurried(), await unhurried()];
    await a.set('tom', 1);
    await caughtUp(a, b);
    await near(b, 'tom');
    const lead = `${here().machines.prefix}:1:`;
    await documents(async (all) => {
      for (const id of [`${lead}e:`, `${lead}e:junk`, `${lead}q:x`, `${lead}h:stranger`, 'junk', `${lead}m`]) {
        await all.insertOne({ _id: id, m: { $x: 1 } } as never);
        await all.updateOne({ _id: id }, { $set: { m: [1, 2], t: 5 } });
        await all.deleteOne({ _id: id });
      }
      await all.insertOne({ m: 1 } as never);
    });
    await caughtUp(a, b);
    expect(isNear(b, 'tom')).toBe(true);
    expect(await isUp(b)).toBe(true);
    await a.evict('tom');
    await until('the news', async () => (await b.get('tom')) === undefined);
  });

  // By itself: it is work, and no wait.
  it('A44: a flood is survived, and what comes after it is heard', async () => {
    const [a, b] = [await machine(), await machine()];
    await a.set('tom', 1);
    await near(b, 'tom');
    const lead = `${here().machines.prefix}:1:e:t.`;
    await documents(async (all) => {
      for (let round = 0; round < 5; round++) {
        const ids = Array.from({ length: 1_200 }, (_, n) => `${lead}t${n % 1_500}:t.t${n % 1_500}/cats/'${n}`);
        await all.insertMany(ids.map((_id) => ({ _id, m: `m${round}` }) as never));
        await all.deleteMany({ _id: { $in: ids } });
        expect(await b.get('tom')).toBe(1);
      }
    });
    await until('it listens', () => isUp(b), 30_000);
    await near(b, 'tom');
    await a.evict('tom');
    await until('the news', async () => (await b.get('tom')) === undefined);
  });

  describe('when nothing is told any more', () => {
    itConcurrent(
      'A41: the stream is killed: nothing is kept until there is another, and nothing from before is believed then',
      async () => {
        const [a, b] = [await machine(), await machine()];
        await a.set('tom', 1);
        await near(b, 'tom');
        await documents((all) => all.drop());
        await until('the gap is noticed', () => !isNear(b, 'tom'));
        await until('it is told again', () => isUp(b));
        await a.set('tom', 2);
        await near(b, 'tom');
        expect(await b.get('tom')).toBe(2);
        await a.evict('tom');
        await until('the news', async () => (await b.get('tom')) === undefined);
      },
    );

    itConcurrent('and no other stream can be begun: nothing is kept, without waiting for signs of life', async () => {
      const own = await MongoProcess.start({ hasStreams: true });
      try {
        const patient = over({ ...BY_BUS, bus: { heartbeat: '1m' } });
        const [a, b] = [await machine({ uri: own.url }), await machine({ uri: own.url, over: patient })];
        await until('it follows', () => isUp(b));
        await a.set('tom', 1);
        await near(b, 'tom');
        await failCommands(
          own.url,
          { failCommands: ['aggregate'], errorCode: 11_601, errorCodeName: 'Interrupted' },
          'always',
        );
        await withDb(own.url, (db) => db.collection(here().machines.prefix).drop());
        await until('the gap is noticed', () => !isNear(b, 'tom'));
        await pause(100);
        expect(await firstLevelOf(b)).toEqual({ entries: 0, bus: 'down' });
      } finally {
        await here().machines.close();
        await own.stop();
      }
    });

    itConcurrent('A42: silence: without a sign of life nothing is kept', async () => {
      const proxy = await TcpProxy.before(server.port);
      try {
        const a = await machine();
        const b = await machine({ uri: `mongodb://127.0.0.1:${proxy.port}/test?directConnection=true` });
        await a.set('tom', 1);
        await near(b, 'tom');
        proxy.mode = 'blackhole';
        await a.set('tom', 2);
        await until('silence is noticed', () => !isNear(b, 'tom'));
        proxy.mode = 'pass';
        proxy.reset();
        await until('it is told again', () => isUp(b), 20_000);
        await until('the server answers', async () => (await b.get('tom').catch(() => undefined)) === 2);
      } finally {
        await here().machines.close();
        await proxy.close();
      }
    });

    itConcurrent('the server is killed and comes back: copies are kept again, of what stands there now', async () => {
      const own = await MongoProcess.start({ hasStreams: true });
      try {
        const [a, b] = [await machine({ uri: own.url }), await machine({ uri: own.url })];
        await a.set('tom', 1);
        await near(b, 'tom');
        await own.kill();
        await until('the gap is noticed', () => !isNear(b, 'tom'));
        await own.begin();
        for (const rig of [a, b]) await until('it is told again', () => isUp(rig), 30_000);
        await until('it stores', () =>
          a.set('tom', 2).then(
            () => true,
            () => false,
          ),
        );
        await near(b, 'tom');
        expect(await b.get('tom')).toBe(2);
        await a.evict('tom');
        await until('the news', async () => (await b.get('tom')) === undefined);
      } finally {
        await here().machines.close();
        await own.stop();
      }
    });
  });

  itConcurrent.each([
    ['9', createConnection],
    ['8', mongoose8.createConnection],
  ])('follows over a connection of mongoose %s whatever it is set to, and leaves it open', async (_, connect) => {
    const connection = await connect(server.url, { readPreference: 'secondaryPreferred', w: 1 }).asPromise();
    try {
      const a = await machine();
      const b = await machine({ uri: undefined, connection });
      await a.set('tom', 1, { tags: ['red'] });
      await near(b, 'tom');
      await a.invalidateTag('red');
      await until('the news', async () => (await b.get('tom')) === undefined);
      await here().machines.close();
      await expect(connection.db?.command({ ping: 1 })).resolves.toMatchObject({ ok: 1 });
    } finally {
      await connection.close();
    }
  });

  itConcurrent('follows tenants that are spread over several states', async () => {
    const [a, b] = [await unhurried({ shards: 4 }), await unhurried({ shards: 4 })];
    const names = Array.from({ length: 12 }, (_, n) => `cat ${n}`);
    for (const name of names) await a.set(name, 1, { tags: ['red'] });
    await caughtUp(a, b);
    for (const name of names) await near(b, name);
    await a.evict('cat 3');
    await until('the news', async () => (await b.get('cat 3')) === undefined);
    expect(isNear(b, 'cat 4')).toBe(true);
    await a.invalidateTag('red');
    for (const name of names) await until('the news', async () => (await b.get(name)) === undefined);
  });

  itConcurrent('takes no connection from those who call, however few there are', async () => {
    const proxy = await TcpProxy.before(server.port);
    try {
      const uri = `mongodb://127.0.0.1:${proxy.port}/test?directConnection=true`;
      const a = await machine({ uri, maxConnections: 1, timeout: '1400ms', over: over({ ...BY_BUS, bus: {} }) });
      await until('it follows', () => isUp(a));
      // An answer takes 800 ms; a call that had to wait for that of the stream first would be too late.
      proxy.delayMs = 400;
      for (let n = 0; n < 4; n++) await a.backend.read(a.key('tom'));
    } finally {
      await here().machines.close();
      await proxy.close();
    }
  });

  itConcurrent('with `bus: false` no process follows', async () => {
    const [a, b] = [await machine(), await machine({ over: over({ ...BY_BUS, bus: false }) })];
    await a.set('tom', 1);
    await near(b, 'tom');
    await a.evict('tom');
    await pause(150);
    expect(await levelOf(b, 'tom')).toBe('l1');
    expect(await firstLevelOf(b)).toMatchObject({ bus: 'off' });
  });

  describe('keeps the contract of backends when only the stream tells of changes', () => {
    proveContract(
      mongoHarness(() => ({ uri: server.url, over: over({ maxUnvalidated: '1h' }) }), true),
      (topic, name) => TOLD.has(topic) && isAboutThePath(topic, name),
    );
  });

  it.each(SEEDS)(
    'no read returns what was invalidated longer ago than copies are served without a check (seed %i)',
    async (seed) => {
      const prefix = randomPrefix();
      const options = { uri: server.url, collection: prefix, prefix, timeout: '400ms', failures: 20 } as const;
      const rigs = [1, 2].map(
        () =>
          new Rig({
            backend: mongoFactory({ ...options, over: over({ maxUnvalidated: X_MS, bus: { heartbeat: 100 } }) }),
            clock: systemClock,
            isHeard: false,
            limits: { lease: '500ms' },
          }),
      );
      await Promise.all(rigs.map((rig) => rig.backend.open?.()));
      const history = new History(() => performance.now());
      await play({
        subjects: rigs.map((rig) => new RigSubject(rig)),
        seed,
        callers: 24,
        durationMs: DURATION_MS,
        atLeast: ENOUGH,
        isExpected: (error) => error instanceof CacheError,
        history,
      });
      await Promise.all(rigs.map((rig) => rig.machine.close()));
      const stale = history.violations(X_MS + ROUND_TRIP_MS).slice(0, 1);
      expect({ seed, stale, worstMs: worstOf(history.violations()) }).toEqual({
        seed,
        stale: [],
        worstMs: expect.any(Number),
      });
      expect(history.reads.length).toBeGreaterThan(ENOUGH.reads);
      expect(history.invalidations.length).toBeGreaterThan(ENOUGH.invalidations);
    },
  );
});

describeWithMongo('memory over MongoDB without change streams', () => {
  const here = ownOfEachTest(() => new MongoMachines());
  const alone = new SpareServers();
  const telling = new SpareServers({ hasStreams: true });
  const start = async (servers = alone): Promise<MongoProcess> => {
    const server = await servers.take();
    here().ends.push(() => servers.giveBack(server));
    return server;
  };

  const told = (rig: Rig<Clock>): readonly string[] =>
    rig.recorded.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

  it('says so once, keeps copies, and checks them', async () => {
    const server = await start();
    const options = { uri: server.url, collection: here().machines.prefix, ...LONG_TIMEOUTS };
    const a = await here().machines.ready({ ...options, over: over({ maxUnvalidated: 100 }) });
    const b = await here().machines.ready({ ...options, over: over({ maxUnvalidated: 100 }) });
    await a.set('tom', 1);
    expect(await b.get('tom')).toBe(1);
    expect(await levelOf(b, 'tom')).toBe('l1');
    expect(await firstLevelOf(b)).toMatchObject({ bus: 'off', entries: 1 });
    await a.evict('tom');
    await pause(100);
    expect(await b.get('tom')).toBeUndefined();
    expect(told(b)).toEqual([expect.stringContaining('tells of no changes')]);
  });

  it.each([
    ['only replica sets have them', { errorCode: 40_573, errorCodeName: 'Location40573' }],
    ['the user may not', { errorCode: 13, errorCodeName: 'Unauthorized' }],
    ['it knows no such thing', { errorCode: 40_324, errorCodeName: 'Location40324' }],
  ])('the same where the server refuses: %s', async (_, data) => {
    const server = await start(telling);
    await failCommands(server.url, { failCommands: ['aggregate'], ...data }, 'always');
    const rig = await here().machines.ready({
      uri: server.url,
      collection: here().machines.prefix,
      ...LONG_TIMEOUTS,
      over: over({ maxUnvalidated: 100 }),
    });
    await rig.set('tom', 1);
    expect(await levelOf(rig, 'tom')).toBe('l1');
    expect(await firstLevelOf(rig)).toMatchObject({ bus: 'off' });
    expect(told(rig)).toEqual([expect.stringContaining('tells of no changes')]);
  });

  it('looked for again and not there, copies stay', async () => {
    const server = await start();
    let looked = 0;
    const clock: Clock = {
      ...systemClock,
      machine: undefined,
      after(delayMs, callback) {
        if (delayMs !== LOOKED_AGAIN_MS) return systemClock.after(delayMs, callback);
        looked++;
        return systemClock.after(50, callback);
      },
    };
    const factory = mongoFactory({ uri: server.url, prefix: here().machines.prefix, ...LONG_TIMEOUTS, over: over() });
    const rig = new Rig({ clock, backend: factory, random: Math.random });
    await rig.backend.open?.();
    await rig.set('tom', 1);
    const before = looked;
    await until('it has looked again', () => looked >= before + 3);
    expect(await firstLevelOf(rig)).toEqual({ entries: 1, bus: 'off' });
    await rig.machine.close();
  });

  it.each([
    { errorCode: 11_601, errorCodeName: 'Interrupted' },
    { errorCode: 134, errorCodeName: 'ReadConcernMajorityNotAvailableYet' },
  ])('a trouble that passes is no refusal: it is tried again ($errorCodeName)', async (trouble) => {
    const server = await start(telling);
    await failCommands(server.url, { failCommands: ['aggregate'], ...trouble }, 3);
    const rig = await here().machines.ready({
      uri: server.url,
      collection: here().machines.prefix,
      ...LONG_TIMEOUTS,
      over: over(),
    });
    await until('it is told', async () => (await firstLevelOf(rig)).bus === 'up');
    expect(told(rig)).toEqual([]);
  });
});
