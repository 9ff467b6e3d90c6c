/** The names that a tenant's entries have, in the index, are displaced by the server (`allkeys-lru`) while the entries stay. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { tieredFactory } from '../support/bus/tiered-machine.js';
import { Rig } from '../support/machine/rig.js';
import { EVERY_KEY } from '../../lib/backends/remote/index-scan.js';
import { Machines } from '../support/redis/machines.js';
import { randomPrefix, RedisProcess, until, withClient } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(soaking(180_000, 60_000));

const COUNT = soaking(20_000, 1_000);
const PORTION = 500;

describeWithRedis('an index that was displaced', () => {
  let server: RedisProcess;
  let machines = new Machines();
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await machines.close();
    machines = new Machines();
  });
  const indexOf = (prefix: string): string => `${prefix}:2:{t.acme}:k`;
  const fill = async (rig: Rig<Clock>): Promise<void> => {
    for (let first = 0; first < COUNT; first += PORTION) {
      const numbers = Array.from({ length: PORTION }, (_, at) => first + at);
      await rig.machine.engine.writes.setMany(numbers.map((n) => [rig.key(`report ${n}`), n, rig.policy()] as const));
    }
  };
  /** What the rig still serves of them, asked of the server and not missed because a busy machine kept it away. */
  const served = async (rig: Rig<Clock>): Promise<number> => {
    const isInUse = async (): Promise<boolean> => (await rig.get('bystander', { tenant: 'other' })) === 'here';
    await rig.set('bystander', 'here', { tenant: 'other' });
    let found: unknown[] = [];
    await until('they were asked for', async () => {
      found = [];
      for (let first = 0; first < COUNT; first += PORTION) {
        if (!(await isInUse())) return false;
        const names = Array.from({ length: PORTION }, (_, at) => `report ${first + at}`);
        found.push(...(await Promise.all(names.map((name) => rig.get(name)))));
      }
      return isInUse();
    });
    return found.filter((value) => value !== undefined).length;
  };
  /** Takes the index away once the walk has come so far. */
  const displaceBehind = (prefix: string, removed: number): Promise<unknown> =>
    withClient(server.port, async (client) => {
      const before = await client.dbsize();
      for (let asked = 0; asked < 50_000 && (await client.dbsize()) > before - removed; asked++);
      return client.unlink(indexOf(prefix));
    });
  const keysOf = async (rig: Rig<Clock>): Promise<number> => {
    let keys = 0;
    let cursor: string | undefined;
    do {
      const page = await rig.backend.scan({ view: rig.view({ namespace: 'cats' }), match: EVERY_KEY }, cursor);
      keys += page.keys.length;
      cursor = page.cursor;
    } while (cursor !== undefined);
    return keys;
  };

  it('A77: in the middle of a removal by pattern lets none of what it means be served', async () => {
    const rig = await machines.ready({ url: server.url, timeout: '5s' });
    await fill(rig);
    const [removed, displaced] = await Promise.all([
      rig.removeMatching('report*'),
      displaceBehind(machines.prefix, COUNT / 10),
    ]);
    expect(displaced).toBe(1);
    expect(removed).toBeLessThan(COUNT);
    // No other tenant is concerned, as what is looked at between them shows.
    expect(await served(rig)).toBe(0);
    expect(rig.log.join()).toContain('has displaced the index of a tenant: a pattern');
    // It is kept anew, and whole.
    await rig.set('report 1', 'new');
    await rig.set('cat', 'stays');
    expect(await rig.removeMatching('report*')).toBe(1);
    expect(await rig.get('cat')).toBe('stays');
  });

  it('A77: nor from memory, in this process and in others', async () => {
    const prefix = randomPrefix();
    const rigs = Array.from({ length: 2 }, () => {
      const backend = tieredFactory({ url: server.url, timeout: '5s', prefix, maxUnvalidated: '1h' });
      return new Rig<Clock>({ clock: systemClock, backend, random: Math.random });
    });
    await Promise.all(rigs.map(async (rig) => rig.backend.open?.()));
    const [here, there] = rigs as [Rig<Clock>, Rig<Clock>];
    await fill(here);
    await until('it has copies', async () => (await served(there)) === COUNT);
    await Promise.all([here.removeMatching('report*'), displaceBehind(prefix, COUNT / 10)]);
    expect(await served(here)).toBe(0);
    await until('it has heard', async () => (await served(there)) === 0);
  });

  it('A77: is said by listings and counts, until it is whole again', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('cat', 'Tom');
    await rig.set('dog', 'Rex');
    expect(await keysOf(rig)).toBe(2);
    expect(rig.log).toEqual([]);
    await server.command('UNLINK', indexOf(machines.prefix));
    await rig.set('cow', 'Mu');
    expect(await keysOf(rig)).toBe(1);
    const said = [expect.stringContaining('listings and counts leave out')];
    expect(rig.log).toEqual(said);
    const other = await machines.ready({ url: server.url });
    expect(await other.backend.usage(other.view())).toMatchObject({ entries: 1 });
    expect(other.log).toEqual(said);
    await rig.clear();
    await rig.set('cat', 'Tom');
    const third = await machines.ready({ url: server.url });
    expect([await keysOf(third), third.log]).toEqual([1, []]);
  });
});
