/** Memory over MongoDB, told by its change stream: what one changes the others hear of, however long copies are believed. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mongo as driver } from 'mongoose';
import { memory } from '../../lib/backends/memory.backend.js';
import { tiered } from '../../lib/backends/tiered.backend.js';
import type { TieredOptions } from '../../lib/backends/tiered.options.js';
import type { BackendFactory } from '../../lib/core/backend.js';
import type { Clock } from '../../lib/core/clock.js';
import { firstLevelOf, levelOf, near } from '../support/bus/tiered-machines.js';
import type { Rig } from '../support/machine/rig.js';
import { MongoMachines, type MongoMachineOptions } from '../support/mongo/mongo-machine.js';
import { MongoProcess, withDb } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { pause, until } from '../support/redis/redis-process.js';

jest.setTimeout(60_000);

/** Nothing is checked: what makes copies go is what is heard, and knowing that one does not hear. */
const BY_BUS: Pick<TieredOptions, 'maxUnvalidated' | 'bus'> = { maxUnvalidated: '1h', bus: { heartbeat: 200 } };
/** Nothing here is about time running out, and machines that build other things meanwhile are slow. */
const PATIENCE = { timeout: '10s', invalidationTimeout: '20s' } as const;

const over =
  (options: Pick<TieredOptions, 'maxUnvalidated' | 'bus'> = BY_BUS) =>
  (l2: BackendFactory): BackendFactory =>
    tiered({ l1: memory(), l2, ...options });

describeWithMongo('memory over MongoDB with change streams', () => {
  let server: MongoProcess;
  let machines: MongoMachines;
  beforeAll(async () => {
    server = await MongoProcess.start({ hasStreams: true });
  });
  beforeEach(() => {
    machines = new MongoMachines();
  });
  afterEach(() => machines.close());
  afterAll(() => server.stop());

  const machine = (options: Partial<MongoMachineOptions> = {}): Promise<Rig<Clock>> =>
    machines.ready({ uri: server.url, collection: machines.prefix, ...PATIENCE, over: over(), ...options });
  const documents = <T>(work: (all: driver.Collection<{ _id: string }>) => Promise<T>): Promise<T> =>
    withDb(server.url, (db) => work(db.collection(machines.prefix)));
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
  it.each(CHANGES)('what one %s the others do not answer any more', async (_, act, now) => {
    const [a, b] = [await machine(), await machine()];
    expect(await isUp(b)).toBe(true);
    await a.set('tom', 1, { tags: ['red'] });
    await a.set('kit', 1);
    await near(b, 'tom');
    await near(b, 'kit');
    await act(a);
    await until('the news', async () => (await b.get('tom')) === now);
  });

  it('everything else stays', async () => {
    const [a, b] = [await machine(), await machine()];
    await a.set('tom', 1, { tags: ['red'] });
    await a.set('kit', 1, { tags: ['blue'] });
    await near(b, 'tom');
    await near(b, 'kit');
    await a.invalidateTag('red');
    await a.invalidateTag('nobody has this');
    await a.evict('max');
    await until('the news', async () => (await b.get('tom')) === undefined);
    await pause(100);
    expect(await levelOf(b, 'kit')).toBe('l1');
    expect(await levelOf(a, 'kit')).toBe('l1');
    void documents;
    void firstLevelOf;
  });
});
