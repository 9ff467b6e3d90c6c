/** Calls that mean very many entries: they take longer than a single one may, and do not crowd each other out. */
import { afterEach, expect, it, jest } from '@jest/globals';
import type { Clock } from '../../lib/core/clock.js';
import { failCommands, failNothing } from '../support/mongo/fail-command.js';
import { MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import type { Rig } from '../support/machine/rig.js';

jest.setTimeout(60_000);

describeWithMongo('very many entries at once', () => {
  const machines = new MongoMachines();
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    await machines.close();
    for (const end of ends.splice(0).reverse()) await end();
  });
  /** A server that takes its time for some commands, and a machine that gives single calls a second. */
  const slow = async (command: string, forMs: number): Promise<{ rig: Rig<Clock>; server: MongoProcess }> => {
    const server = await MongoProcess.start();
    ends.push(() => server.stop());
    const rig = await machines.ready({ uri: server.url, timeout: '1s' });
    await failCommands(server.url, { failCommands: [command], blockTimeMS: forMs }, 'always');
    return { rig, server };
  };

  it('are written although that takes longer than a single write may', async () => {
    const { rig, server } = await slow('update', 150);
    const entries = Array.from({ length: 2_000 }, (_, at) => [rig.key(at), at, rig.policy()] as const);
    await rig.machine.engine.writes.setMany(entries);
    await failNothing(server.url);
    expect((await rig.machine.backend.usage(rig.view())).entries).toBe(2_000);
  });

  it('are read although all of them take longer than a single read may, and a server that hangs costs one deadline', async () => {
    const { rig, server } = await slow('find', 150);
    const keys = Array.from({ length: 12_000 }, (_, at) => rig.key(at));
    expect(await rig.machine.backend.readMany(keys)).toHaveLength(12_000);
    server.halt();
    const beganAtMs = performance.now();
    await expect(Promise.resolve(rig.machine.backend.readMany(keys))).rejects.toThrow();
    expect(performance.now() - beganAtMs).toBeLessThan(3_000);
    server.resume();
  });

  it('are evicted although their commands have to wait for each other', async () => {
    const { rig } = await slow('delete', 400);
    const keys = Array.from({ length: 10_000 }, (_, at) => rig.key(at));
    expect(await rig.machine.engine.writes.evict(keys)).toBe(0);
  });
});
