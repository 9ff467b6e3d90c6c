/**
 * A, a master, and B, its replica. An entry with a tag is set at A, B follows and is promoted (`REPLICAOF NO ONE`); the tag
 * is invalidated at A and confirmed. A becomes a replica of B and takes its data, then a master again: the same process
 * (`run_id`), on connections that never ended, with an entry that was removed. Only `master_replid` tells.
 */
import { afterEach, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import type { RedisOptions } from '../../lib/backends/redis/options.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { tieredFactory } from '../support/bus/tiered-machine.js';
import { Rig } from '../support/machine/rig.js';
import { Machines } from '../support/redis/machines.js';
import { pause, randomPrefix, RedisProcess, until } from '../support/redis/redis-process.js';
import { MASTER_NAME, RedisSentinels } from '../support/redis/redis-sentinels.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

/** Two seconds, and what a busy machine adds to them. */
const BOUND_MS = 4_000;
const CHANGED = 'has another name than before (master_replid)';

describeWithRedis('a server that took the data of another', () => {
  const machines = new Machines();
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    await machines.close();
    for (const end of ends.splice(0).reverse()) await end();
  });
  const start = async (config: Record<string, string> = {}): Promise<RedisProcess> => {
    const server = await RedisProcess.start({ config: { 'repl-diskless-sync-delay': '0', ...config } });
    ends.push(() => server.stop());
    return server;
  };
  const adopted = (make: () => unknown): RedisOptions => {
    const client = make() as Redis;
    ends.push(() => client.disconnect());
    return { client };
  };
  /** With memory over it, whose copies are not checked for half a minute. */
  const tieredOn = (options: RedisOptions): Rig<Clock> => {
    const backend = tieredFactory({ ...options, prefix: randomPrefix(), maxUnvalidated: '30s', bus: false });
    const rig = new Rig<Clock>({ clock: systemClock, backend, random: Math.random });
    ends.push(() => rig.machine.close());
    return rig;
  };
  /** One process for each way to be connected, with a cache of its own. */
  const everyRig = (port: number): Map<string, Rig<Clock>> => {
    const url = `redis://127.0.0.1:${port}`;
    const six = (): RedisOptions => adopted(() => new Redis(port, '127.0.0.1'));
    const oneLevel = (options: RedisOptions): Rig<Clock> => machines.on(options, undefined, randomPrefix());
    return new Map([
      ['a client of ours', oneLevel({ url })],
      ['several connections', oneLevel({ url, maxConnections: 3 })],
      ['two levels', tieredOn({ url })],
      ['ioredis 5', oneLevel(adopted(() => new Redis5(port, '127.0.0.1')))],
      ['ioredis 6', oneLevel(six())],
      ['ioredis 6, two levels', tieredOn(six())],
    ]);
  };
  const all = (rigs: Map<string, Rig<Clock>>, work: (rig: Rig<Clock>) => Promise<unknown>): Promise<unknown[]> =>
    Promise.all([...rigs.values()].map(work));
  const follow = async (server: RedisProcess, master: RedisProcess): Promise<void> => {
    await server.command('REPLICAOF', '127.0.0.1', master.port);
    await until('it has caught up', async () => String(await server.command('INFO')).includes('master_link_status:up'));
  };
  const promote = (server: RedisProcess): Promise<unknown> => server.command('REPLICAOF', 'NO', 'ONE');
  const keysOf = async (server: RedisProcess): Promise<number> => Number(await server.command('DBSIZE'));
  /** None serves it two seconds later, and none does after that. */
  const proveGone = async (rigs: Map<string, Rig<Clock>>): Promise<void> => {
    await Promise.all(
      [...rigs].map(([name, rig]) =>
        until(`it is gone: ${name}`, async () => (await rig.get('cat')) === undefined, BOUND_MS),
      ),
    );
    for (let round = 0; round < 50; round++) {
      await all(rigs, async (rig) => expect(await rig.get('cat')).toBeUndefined());
      await pause(5);
    }
    // It is in use again, and not merely away.
    await all(rigs, (rig) =>
      until('it is used', async () => {
        await rig.load('ant', () => 'Ann');
        return (await rig.get('ant')) === 'Ann';
      }),
    );
  };

  it.each([
    ['nothing is asked of it meanwhile', false],
    ['a write meets READONLY', true],
  ])('A76: is told what was confirmed before, within two seconds, while %s', async (_, isWritten) => {
    const a = await start();
    const b = await start({ replicaof: `127.0.0.1 ${a.port}` });
    const rigs = everyRig(a.port);
    await all(rigs, async (rig) => rig.backend.open?.());
    await all(rigs, (rig) => rig.set('cat', 'old', { tags: ['red'] }));
    await until('the replica has it', async () => (await keysOf(a)) === (await keysOf(b)));
    await all(rigs, async (rig) => expect(await rig.get('cat')).toBe('old'));
    await promote(b);
    await all(rigs, (rig) => rig.invalidateTag('red'));
    await follow(a, b);
    if (isWritten) await all(rigs, (rig) => expect(rig.set('ant', 1)).rejects.toThrow());
    await promote(a);
    await proveGone(rigs);
  });

  it('A76: that sentinels watch', async () => {
    const group = await RedisSentinels.start();
    ends.push(() => group.stop());
    const rig = await machines.ready({ sentinels: group.addresses, name: MASTER_NAME });
    await rig.set('cat', 'old', { tags: ['red'] });
    await until('the replica has it', async () => (await keysOf(group.replica)) === (await keysOf(group.master)));
    for (const sentinel of group.sentinels) sentinel.halt();
    await promote(group.replica);
    await rig.invalidateTag('red');
    await follow(group.master, group.replica);
    await promote(group.master);
    await proveGone(new Map([['sentinels', rig]]));
  });

  it('A76: a replica that joins gives the data another name too: it is said, and no entry is lost', async () => {
    const a = await start();
    const rig = await machines.ready({ url: a.url, maxConnections: 3 });
    await rig.set('cat', 'Tom');
    await rig.invalidateTag('red');
    await start({ replicaof: `127.0.0.1 ${a.port}` });
    // A read that is under way at that moment is a miss.
    let misses = 0;
    await until('it is said', async () => {
      if ((await rig.get('cat')) === undefined) misses++;
      return rig.log.some((line) => line.includes(CHANGED));
    });
    expect(misses).toBeLessThan(3);
    for (let round = 0; round < 20; round++) expect(await rig.get('cat')).toBe('Tom');
    expect(rig.log).toEqual([expect.stringContaining(CHANGED)]);
  });
});
