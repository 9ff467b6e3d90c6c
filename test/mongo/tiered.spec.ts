/** Memory over MongoDB: no message tells of changes, so what a copy is worth is decided by checks alone (guarantee G4). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mongo as driver, type Connection } from 'mongoose';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import type { TieredOptions } from '../../lib/backends/tiered/options.js';
import type { BackendFactory, Reading } from '../../lib/core/backend.js';
import type { Clock } from '../../lib/core/clock.js';
import { firstLevelOf, levelOf } from '../support/bus/tiered-machines.js';
import type { Rig } from '../support/machine/rig.js';
import { X_MS } from '../support/mongo/levels.js';
import { mongoHarness } from '../support/mongo/contract-harness.js';
import { MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess, withDb } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { withCollections } from '../support/mongo/stand-in.js';
import { isAboutThePath, proveContract } from '../support/servers/contract-harness.js';
import { pause, until } from '../support/redis/redis-process.js';

jest.setTimeout(60_000);

/** Nothing here is about time running out, and machines that build other things meanwhile are slow. */
const LONG_TIMEOUTS = { timeout: '10s', invalidationTimeout: '20s' } as const;

const under =
  (maxUnvalidated: TieredOptions['maxUnvalidated']) =>
  (l2: BackendFactory): BackendFactory =>
    tiered({ l1: memory(), l2, maxUnvalidated });

describeWithMongo('memory over MongoDB', () => {
  let server: MongoProcess;
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterAll(() => server.stop());

  describe('keeps the contract of backends when every hit is checked', () => {
    // What values are and how many there are makes no difference to checks; when they end does.
    proveContract(
      mongoHarness(() => ({ uri: server.url, over: under(0) })),
      (topic, name) => topic === 'time' || isAboutThePath(topic, name),
    );
  });

  describe('copies', () => {
    let machines: MongoMachines;
    beforeEach(() => {
      machines = new MongoMachines();
    });
    afterEach(() => machines.close());

    const machine = (maxUnvalidated: TieredOptions['maxUnvalidated'], options: object = {}): Promise<Rig<Clock>> =>
      machines.ready({
        uri: server.url,
        collection: machines.prefix,
        ...LONG_TIMEOUTS,
        ...options,
        over: under(maxUnvalidated),
      });

    it('are kept by the process that has read, loaded or stored, and answer at once; no process hears of changes', async () => {
      const [a, b] = [await machine('1h'), await machine('1h')];
      await a.set('tom', { age: 3 });
      await a.load('kit', async () => 2);
      for (const name of ['tom', 'kit']) {
        expect(await levelOf(a, name)).toBe('l1');
        expect(await levelOf(b, name)).toBe('l2');
        expect(await levelOf(b, name)).toBe('l1');
      }
      const reading = b.backend.read(b.key('tom'));
      expect(reading).not.toBeInstanceOf(Promise);
      expect((reading as Reading).entry?.value).toEqual({ age: 3 });
      expect(await firstLevelOf(b)).toEqual({ entries: 2, bus: 'off' });
    });

    const states = (work: (all: driver.Collection) => Promise<unknown>): Promise<unknown> =>
      withDb(server.url, (db) => work(db.collection(machines.prefix)));

    type Change = (rig: Rig<Clock>) => Promise<unknown>;
    const changes: [string, Change, unknown][] = [
      ['evicted', (rig) => rig.evict('tom'), undefined],
      ['stored', (rig) => rig.set('tom', 2), 2],
      ['invalidated by a tag', (rig) => rig.invalidateTag('red'), undefined],
      ['cleared', (rig) => rig.clear(), undefined],
      ['removed by a pattern', (rig) => rig.removeMatching('t*'), undefined],
      ['lost with the state of its tenant', () => states((all) => all.deleteMany({ c: { $exists: true } })), undefined],
      [
        'lost with it, and begun anew',
        () => states((all) => all.updateMany({ c: { $exists: true } }, { $set: { i: 'another' } })),
        undefined,
      ],
    ];
    it.each(changes)(
      'are checked: what another has %s is seen after so long as copies are believed',
      async (_, act, now) => {
        const [a, b] = [await machine(X_MS), await machine(X_MS)];
        await a.set('tom', 1, { tags: ['red'] });
        expect(await b.get('tom')).toBe(1);
        await act(a);
        await pause(X_MS);
        expect(await b.get('tom')).toBe(now);
      },
    );

    it('of counters are not kept: they change in place', async () => {
      const [a, b] = [await machine('1h'), await machine('1h')];
      const count = (): Promise<number> => a.machine.engine.writes.increment(a.key('visits'), 2, a.policy());
      await count();
      expect(await b.get('visits')).toBe(2);
      await count();
      expect(await b.get('visits')).toBe(4);
      expect(await firstLevelOf(b)).toMatchObject({ entries: 0 });
    });

    it('are not kept of a write that another has overtaken', async () => {
      const client = await new driver.MongoClient(server.url).connect();
      const b = await machine('1h');
      let writes = 0;
      const connection = interrupted(client, async () => {
        // The ticket lies there, the value does not yet.
        if (++writes === 2) await b.evict('tom');
      });
      try {
        const a = await machine('1h', { uri: undefined, connection });
        writes = 0;
        await a.set('tom', 1);
        expect(writes).toBe(2);
        expect(await levelOf(a, 'tom')).toBeUndefined();
      } finally {
        await machines.close();
        await client.close();
      }
    });

    it('are checked by one command that asks for no value, however many are checked at once', async () => {
      const client = await new driver.MongoClient(server.url, { monitorCommands: true }).connect();
      const connection = { getClient: () => client, db: client.db(), name: 'test' } as never;
      const names = Array.from({ length: 20 }, (_, at) => `kit${at}`);
      try {
        const a = await machine(0, { uri: undefined, connection });
        for (const name of names) await a.set(name, 'x'.repeat(1_000));
        const asked: driver.Document[] = [];
        const answered: string[] = [];
        client.on('commandStarted', ({ commandName, command }) => {
          if (commandName === 'find') asked.push(command as driver.Document);
        });
        client.on('commandSucceeded', ({ commandName, reply }) => {
          if (commandName === 'find') answered.push(JSON.stringify(reply));
        });
        const levels = await Promise.all(names.map((name) => levelOf(a, name)));
        expect(levels).toEqual(names.map(() => 'l1'));
        expect(asked).toHaveLength(1);
        expect(Object.keys(asked[0]?.['projection'] as object)).toEqual(expect.arrayContaining(['m', 'i', 'f']));
        expect(asked[0]?.['projection']).not.toHaveProperty('v');
        expect(answered.join('').length).toBeLessThan(names.length * 500);
      } finally {
        await machines.close();
        await client.close();
      }
    });

    it('are forgotten when another server answers, however long they would be believed', async () => {
      const own = await MongoProcess.start();
      try {
        const a = await machine('1h', { uri: own.url });
        await a.set('tom', 1);
        expect(await levelOf(a, 'tom')).toBe('l1');
        await own.restartEmpty();
        await until('the copy is gone', async () => (await firstLevelOf(a).catch(() => undefined))?.entries === 0);
        expect(await a.get('tom')).toBeUndefined();
      } finally {
        await machines.close();
        await own.stop();
      }
    });

    it('cannot be checked while the server hangs: a deadline, then nothing, and loaders run', async () => {
      const own = await MongoProcess.start();
      try {
        const a = await machine(0, { uri: own.url, timeout: '600ms', failures: 2, pause: '100ms' });
        await a.set('tom', 1);
        expect(await levelOf(a, 'tom')).toBe('l1');
        own.halt();
        let problem: unknown;
        await until('a check fails', async () => {
          problem = await Promise.resolve(a.backend.read(a.key('tom'))).then(() => undefined, String);
          return problem !== undefined;
        });
        expect(problem).toContain('validation (no answer in time)');
        expect(await a.load('tom', async () => 2)).toBe(2);
        await until('the circuit is open', async () => {
          const message = await Promise.resolve(a.backend.ping()).catch(String);
          return String(message).includes('circuit open');
        });
        own.resume();
        await until('it answers again', async () => (await levelOf(a, 'tom').catch(() => undefined)) !== undefined);
      } finally {
        await machines.close();
        await own.stop();
      }
    });
  });
});

/** A connection on which something happens before each bulk of writes is sent. */
function interrupted(client: driver.MongoClient, before: () => Promise<void>): Connection {
  return withCollections(client, (documents) => ({
    bulkWrite: async (...args) => {
      await before();
      return documents.bulkWrite(...args);
    },
  }));
}
