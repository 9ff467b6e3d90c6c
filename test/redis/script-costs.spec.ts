/** What scripts ask of their server: each call costs it half a microsecond and more. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Clock } from '../../lib/core/clock.js';
import type { Rig } from '../support/machine/rig.js';
import { Machines } from '../support/redis/machines.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

const HOUR_MS = 3_600_000;
/** What stands around a script, and what asks how often it was called. */
const AROUND: ReadonlySet<string> = new Set(['evalsha', 'eval', 'config|resetstat', 'info', 'hello']);

describeWithRedis('scripts', () => {
  let server: RedisProcess;
  let machines = new Machines();
  let rig: Rig<Clock>;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await machines.close();
    machines = new Machines();
  });
  const ready = async (index = true): Promise<void> => {
    rig = await machines.ready({ url: server.url, timeout: '5s', index });
  };
  const keyOf = (which: string): string => `${machines.prefix}:2:{t.acme}:${which}`;
  const leftOf = async (which: string): Promise<number> => Number(await server.command('PTTL', keyOf(which)));

  /** Calls of the scripts that some work runs, by their names. */
  const callsOf = async (work: () => Promise<unknown>): Promise<ReadonlyMap<string, number>> => {
    await server.command('CONFIG', 'RESETSTAT');
    await work();
    const said = String(await server.command('INFO', 'commandstats'));
    return new Map(
      [...said.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
        .map(([, name, calls]) => [String(name), Number(calls)] as const)
        .filter(([name]) => !AROUND.has(name)),
    );
  };
  /** The fewest of three: what else the process asks its server meanwhile (a look, a mark) is no call of a script. */
  const fewest = async (
    once: (turn: number) => Promise<readonly ReadonlyMap<string, number>[]>,
  ): Promise<ReadonlyMap<string, number>[]> => {
    const turns = [await once(0), await once(1), await once(2)];
    return turns[0]!.map((_, at) => turns.map((calls) => calls[at]!).reduce((a, b) => (total(b) < total(a) ? b : a)));
  };
  const total = (calls: ReadonlyMap<string, number>): number =>
    [...calls.values()].reduce((sum, each) => sum + each, 0);
  const policy = { ttl: '1m', tags: ['red', 'blue'] } as const;
  const request = { leaseMs: 5_000, purpose: 'missing' } as const;

  describe.each([
    ['with an index', true, 10],
    ['without', false, 5],
  ] as const)('%s', (_, index, most) => {
    it(`ask for a lease with five calls and fill with ${most}, labels and the end of the hash included`, async () => {
      await ready(index);
      // The life of the tenant and of its index have begun, and last longer than what follows.
      await rig.set('long', 1, { ...policy, ttl: '1h' });
      const lease = rig.backend.lease.bind(rig.backend);
      const [leasing, filling] = await fewest(async (turn) => {
        const key = rig.key(`cat ${turn}`, { tags: [...policy.tags] });
        let granted: Awaited<ReturnType<typeof lease>> | undefined;
        const asked = await callsOf(async () => (granted = await lease(key, request)));
        if (granted?.kind !== 'granted') throw new Error('not granted');
        const { lease: held } = granted;
        const draft = { value: 'Tom', labels: key.labels, freshForMs: 60_000, keptForMs: 60_000, isolation: undefined };
        return [asked, await callsOf(async () => expect(await rig.backend.fill(held, draft)).toBe('stored'))];
      });
      expect(total(leasing!)).toBeLessThanOrEqual(5);
      expect(total(filling!)).toBeLessThanOrEqual(most);
      expect([leasing!.get('hmget'), filling!.get('hmget')]).toEqual([1, 1]);
    });
  });

  it('evict with eight', async () => {
    await ready();
    const [evicting] = await fewest(async () => {
      await rig.set('cat', 'Tom', policy);
      return [await callsOf(() => rig.evict('cat', policy))];
    });
    expect(total(evicting!)).toBeLessThanOrEqual(8);
  });

  it('invalidate a tag with thirteen, one of which compares what the string said with the hash', async () => {
    await ready();
    const [invalidating] = await fewest(async () => {
      await rig.set('cat', 'Tom', policy);
      return [await callsOf(() => rig.invalidateTag('red'))];
    });
    expect(invalidating!.get('get')).toBe(1);
    expect(total(invalidating!)).toBeLessThanOrEqual(13);
  });

  it('have the hash live as long as what is stored under it, whatever it says of its end', async () => {
    await ready();
    await rig.set('short', 1, { ttl: '1m' });
    for (const said of ['soon', '-5', '9'.repeat(14), '9'.repeat(30), undefined]) {
      if (said === undefined) await server.command('HDEL', keyOf('m'), 'e');
      else await server.command('HSET', keyOf('m'), 'e', said);
      await rig.invalidateTag('green');
      await rig.set('long', 1, { ttl: '2h' });
      expect(await rig.get('long')).toBe(1);
    }
    await rig.load('longer', () => 1, { ttl: '3h' });
    for (const which of ['m', 'k', 'x']) expect(await leftOf(which)).toBeGreaterThan(3 * HOUR_MS - 60_000);
  });

  it('lengthen the life of the hash when an entry is to outlive it, and say so in it', async () => {
    await ready();
    const told = async (): Promise<number> => Number(await server.command('HGET', keyOf('m'), 'e'));
    for (const hours of [1, 3, 30]) {
      await rig.load(`cat ${hours}`, () => hours, { ttl: `${hours}h` });
      const [ends, at] = [await told(), Number(await server.command('PEXPIRETIME', keyOf('m')))];
      expect(Math.abs(ends - at)).toBeLessThan(1_000);
      expect(await leftOf('m')).toBeGreaterThan(hours * HOUR_MS - 60_000);
    }
  });

  it('that begin the hash anew, because it holds too much, leave it its end', async () => {
    await ready();
    await rig.set('cat', 1, { ttl: '1h' });
    const fields = Array.from({ length: 8_200 }, (_, at) => [`z:${at}`, '1']).flat();
    await server.command('HSET', keyOf('m'), ...fields);
    await rig.invalidateTag('green');
    expect(Number(await server.command('HLEN', keyOf('m')))).toBeLessThan(20);
    const [ends, at] = [await server.command('HGET', keyOf('m'), 'e'), await server.command('PEXPIRETIME', keyOf('m'))];
    expect(Math.abs(Number(ends) - Number(at))).toBeLessThan(1_000);
    expect(await leftOf('m')).toBeGreaterThan(HOUR_MS - 60_000);
  });
});
