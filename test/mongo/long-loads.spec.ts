/** Loads that take longer than callers used to wait. */
import { afterAll, afterEach, beforeAll, it, jest } from '@jest/globals';
import type { Clock } from '../../lib/core/clock.js';
import type { Rig } from '../support/machine/rig.js';
import { LEVELS } from '../support/mongo/levels.js';
import { MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { LONG_LOADS, proveOneLoad, proveTakeover } from '../support/servers/long-loads.js';

jest.setTimeout(60_000);

describeWithMongo('a long load on MongoDB', () => {
  let server: MongoProcess;
  const machines = new MongoMachines();
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterEach(() => machines.close());
  afterAll(() => server.stop());

  it.each(LEVELS)(
    'A81: is bought once by three processes, and taken over from one that is gone (%s)',
    async (_, { over }) => {
      const options = { uri: server.url, timeout: '2s', ...(over === undefined ? {} : { over }) } as const;
      const ready = (): Promise<Rig<Clock>> => machines.ready(options, LONG_LOADS.limits);
      const rigs = await Promise.all([ready(), ready(), ready()]);
      await Promise.all([proveOneLoad(rigs), proveTakeover(rigs[0], rigs[1])]);
    },
  );
});
