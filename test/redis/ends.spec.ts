/** Every key has an end, whatever was done and displaced: a server that was left alone for long enough is empty. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import type { RedisOptions } from '../../lib/backends/redis/options.js';
import { SWAP } from '../../lib/backends/redis/scripts/swap.js';
import { tieredFactory } from '../support/bus/tiered-machine.js';
import { Rig } from '../support/machine/rig.js';
import { Machines } from '../support/redis/machines.js';
import { redisBackend } from '../support/redis/redis-machine.js';
import { RedisProcess, withClient } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

type Change = (rig: Rig<Clock>, tenant: string) => Promise<unknown>;
type Setup = Pick<RedisOptions, 'index' | 'shards'> & { readonly isTiered?: boolean };

describeWithRedis('the end of keys', () => {
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
  const keyOf = (which: string, tenant = 'acme'): string => `${machines.prefix}:2:{t.${tenant}}:${which}`;
  const leftOf = async (which: string, tenant?: string): Promise<number> =>
    Number(await server.command('PTTL', keyOf(which, tenant)));
  /** Every key of this test with what is left of its life. */
  const everyEnd = (): Promise<Map<string, number>> =>
    withClient(server.port, async (client) => {
      const keys = await client.keys(`${machines.prefix}:*`);
      const left = await Promise.all(keys.map((key) => client.pttl(key)));
      return new Map(keys.map((key, at) => [key.slice(machines.prefix.length), left[at] ?? NaN]));
    });
  const withoutEnd = async (): Promise<string[]> =>
    [...(await everyEnd())].filter(([, left]) => left === -1).map(([key]) => key);

  /** What processes do with entries of all kinds, for some tenants. */
  const use = async (rig: Rig<Clock>, tenants: readonly string[]): Promise<void> => {
    const { writes } = rig.machine.engine;
    await Promise.all(
      tenants.map(async (tenant, at) => {
        const red = { tenant, tags: ['red'] };
        await rig.set('endless', at, { ...red, ttl: null });
        await rig.set('short', at, { ...red, ttl: '1m' });
        await rig.set('long', at, { ...red, ttl: '40d' });
        await rig.load('loaded', () => at, { ...red, ttl: null });
        await rig.set('own', at, { tenant, user: 'ann', ttl: null });
        for (const ttl of [null, '5m'] as const)
          for (let times = 0; times < 2; times++)
            await writes.increment(rig.key(`count ${ttl}`, { tenant }), 1, rig.policy({ ttl }));
        await writes.expire(rig.key('short', { tenant }), Infinity, rig.policy({ ttl: null }));
        await writes.expire(rig.key('long', { tenant }), 60_000, rig.policy());
        await rig.invalidateTag('red', { tenant });
        await rig.set('endless', at, { ...red, ttl: null });
        await rig.evict('endless', { tenant });
      }),
    );
  };
  /** Does something with what is kept about a tenant, apart from its entries. */
  const withKept = (which: string, name: string): Change =>
    async function change(_, tenant) {
      await withClient(server.port, async (client) => {
        const keys = await client.keys(`${machines.prefix}:2:{t.${tenant}*}:${which}`);
        for (const key of keys) await client.call(name, key);
      });
    };
  const CHANGES: Readonly<Record<string, Change>> = {
    index: withKept('k', 'UNLINK'),
    expiries: withKept('x', 'UNLINK'),
    state: withKept('m', 'UNLINK'),
    labels: withKept('t', 'UNLINK'),
    // As earlier versions left it.
    earlier: withKept('[mkxt]', 'PERSIST'),
    cleared: (rig, tenant) => rig.clear({ tenant }),
    namespace: (rig, tenant) => rig.clear({ tenant, namespace: 'cats' }),
    pattern: (rig, tenant) => rig.removeMatching('*', { tenant }).catch(() => undefined),
    untouched: () => Promise.resolve(),
  };
  const TENANTS = Object.keys(CHANGES);

  it.each([
    ['one level', {}],
    ['without an index', { index: false }],
    ['several slots', { shards: 2 }],
    ['two levels', { isTiered: true }],
  ] as const)('A78: is set for every key (%s)', async (_, { isTiered, ...more }: Setup) => {
    const { prefix } = machines;
    const options = { url: server.url, timeout: '5s', ...more } as const;
    const tiered = (): Rig<Clock> =>
      new Rig<Clock>({
        clock: systemClock,
        backend: tieredFactory({ ...options, prefix, maxUnvalidated: '1h' }),
        random: Math.random,
      });
    const rig = isTiered === true ? tiered() : machines.on(options);
    await rig.backend.open?.();
    await use(rig, TENANTS);
    for (const [tenant, change] of Object.entries(CHANGES)) await change(rig, tenant);
    await use(rig, TENANTS);
    expect(await withoutEnd()).toEqual([]);
    const ends = await everyEnd();
    expect(ends.size).toBeGreaterThan(TENANTS.length * 5);
    expect(Math.max(...ends.values())).toBeLessThanOrEqual(YEAR_MS + DAY_MS);
    await rig.machine.close();
  });

  it('A78: of what names the keys of a cache is none: one for each cache', async () => {
    const codec = { encryption: { keys: [{ id: 'k1', secret: randomBytes(32) }] } };
    const backend = redisBackend({ url: server.url, prefix: machines.prefix, codec });
    await backend.open?.();
    await backend.close();
    expect(await withoutEnd()).toEqual([':2:keys']);
  });

  it.each([
    ['evicted', (rig: Rig<Clock>) => rig.evict('endless')],
    ['removed by a pattern', (rig: Rig<Clock>) => rig.removeMatching('end*')],
    ['cleared', (rig: Rig<Clock>) => rig.clear()],
    ['stored with a ttl', (rig: Rig<Clock>) => rig.set('endless', 1, { ttl: '1h' })],
  ])(
    'A78: is a day away for all that is kept about a tenant, once its last entry without a ttl is %s',
    async (...row) => {
      const [, remove] = row;
      const rig = await machines.ready({ url: server.url });
      await rig.set('cat', 'Tom', { ttl: '5h', tags: ['red'] });
      await rig.set('endless', 1, { ttl: null });
      await rig.set('also endless', 1, { ttl: null });
      await rig.invalidateTag('blue');
      await rig.evict('also endless');
      const left = (): Promise<number[]> => Promise.all(['m', 'k', 'x'].map((which) => leftOf(which)));
      for (const each of await left()) expect(each).toBeGreaterThan(YEAR_MS - 60_000);
      await remove(rig);
      for (const each of await left()) expect(each).toBeLessThanOrEqual(DAY_MS);
      for (const each of await left()) expect(each).toBeGreaterThan(DAY_MS - 60_000);
      expect(await leftOf('t')).toBeLessThanOrEqual(30 * DAY_MS);
    },
  );

  it('A78: is not brought nearer while something lives that the index does not name', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('endless', 1, { ttl: null });
    await rig.set('cat', 'Tom');
    await server.command('UNLINK', keyOf('k'));
    await server.command('UNLINK', keyOf('x'));
    await rig.set('dog', 'Rex');
    await rig.evict('dog');
    expect(await leftOf('m')).toBeGreaterThan(YEAR_MS - 60_000);
    expect(await rig.get('endless')).toBe(1);
    // As earlier versions named what has no ttl.
    await rig.clear();
    await rig.set('endless', 1, { ttl: null });
    await server.command('ZREM', keyOf('x'), rig.key('endless').id);
    await rig.evict('cat');
    expect(await leftOf('m')).toBeGreaterThan(YEAR_MS - 60_000);
  });

  it('A78: of an index is that of its tenant, also where a load that takes long has lengthened only the latter', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('cat', 'Tom');
    await rig.load('dog', async () => {
      for (const which of ['k', 'x']) await server.command('PEXPIRE', keyOf(which), 5_000);
      return 'Rex';
    });
    for (const which of ['k', 'x']) expect(await leftOf(which)).toBeGreaterThan(3_500_000);
  });

  it('A78: a counter without a ttl has another year with each count', async () => {
    const rig = await machines.ready({ url: server.url });
    const { writes } = rig.machine.engine;
    const count = (): Promise<number> => writes.increment(rig.key('calls'), 1, rig.policy({ ttl: null }));
    await count();
    const entry = keyOf(`e:${rig.key('calls').id}`);
    await server.command('PEXPIRE', entry, 60_000);
    expect(await count()).toBe(2);
    expect(Number(await server.command('PTTL', entry))).toBeGreaterThan(YEAR_MS - 60_000);
  });

  it('A78: an entry that is given another ttl while what is kept about its tenant goes brings none of it back', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('cat', 'Tom');
    const { id } = rig.key('cat');
    const names = [keyOf(`e:${id}`), keyOf('m'), keyOf(`l:${id}`), keyOf('k'), keyOf('x'), keyOf('s')];
    await withClient(server.port, async (client) => {
      const bytes = (await client.getBuffer(names[0] as string)) as Buffer;
      await client.unlink(names.slice(1));
      const args = ['echo', '', '', bytes.subarray(0, 16), 60_000, bytes, id, 'stays'];
      expect(await client.eval(SWAP.source, names.length, ...names, ...args)).toEqual(['echo', 0]);
      expect(await client.exists(names.slice(1))).toBe(0);
    });
  });
});
