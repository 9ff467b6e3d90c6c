/** Very many calls that change one key at once: contention is no outage. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { mongo } from 'mongoose';
import type { Clock } from '../../lib/core/clock.js';
import { failCommands, failNothing } from '../support/mongo/fail-command.js';
import { MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { withCollections } from '../support/mongo/stand-in.js';
import type { Rig } from '../support/machine/rig.js';
import { proveCounting, proveMixed } from '../support/servers/contention.js';

jest.setTimeout(60_000);

describeWithMongo('one key of MongoDB that very many calls change at once', () => {
  let server: MongoProcess;
  const machines = new MongoMachines();
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterEach(() => machines.close());
  afterAll(() => server.stop());
  const ready = (): Promise<Rig<Clock>> => machines.ready({ uri: server.url, timeout: '30s' });

  it('A82: counts exactly what it reports, from one process and from three', async () => {
    await proveCounting(await Promise.all([ready(), ready(), ready()]));
  });

  it('A82: is counted by few commands, however many calls there are', async () => {
    const client = await mongo.MongoClient.connect(server.url);
    try {
      let commands = 0;
      const counted = (documents: mongo.Collection, verb: 'updateOne' | 'findOneAndUpdate'): object => ({
        [verb]: (...args: unknown[]): unknown => {
          commands++;
          return Reflect.apply(documents[verb] as (...all: unknown[]) => unknown, documents, args);
        },
      });
      const connection = withCollections(client, (documents) => ({
        ...counted(documents, 'updateOne'),
        ...counted(documents, 'findOneAndUpdate'),
      }));
      const rig = await machines.ready({ connection, timeout: '30s' });
      const count = () => rig.machine.engine.writes.increment(rig.key('few'), 1, rig.policy());
      commands = 0;
      await Promise.all(Array.from({ length: 200 }, count));
      expect(commands).toBeLessThanOrEqual(8);
      expect(await rig.get('few')).toBe(200);
    } finally {
      await client.close();
    }
  });

  it('A82: is set, removed, put and loaded without an outage', async () => {
    await proveMixed(await Promise.all([ready(), ready()]));
  });

  it('A82: a conflict of two writes on the server is no outage: it is tried again', async () => {
    const rig = await machines.ready({ uri: server.url, timeout: '30s', failures: 1 });
    await rig.set('cat', 'Tom');
    const conflict = {
      failCommands: ['update', 'findAndModify', 'delete'],
      errorCode: 112,
      errorCodeName: 'WriteConflict',
    };
    const works = [
      () => rig.set('cat', 'Tim'),
      () => rig.evict('cat'),
      () => rig.machine.engine.writes.increment(rig.key('n'), 1, rig.policy()),
      () => rig.load('spike', () => 'Spike'),
    ];
    for (const work of works) {
      await failCommands(server.url, conflict, 2);
      await work();
      await failNothing(server.url);
    }
    expect(rig.recorded.of('error')).toEqual([]);
    expect(await rig.get('spike')).toBe('Spike');
  });
});
