/** What a server forgets, displaces or mixes up: misses and refused fills, never an old value. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { RefusedError } from '../../lib/backends/shared/refused.error.js';
import { CacheError, InvalidationUnknownError } from '../../lib/core/errors.js';
import { Source } from '../support/machine/rig.js';
import { Machines, timed } from '../support/redis/machines.js';
import { cli } from '../support/redis/redis-cluster.js';
import { pause, RedisProcess, until, withClient } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(60_000);

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

type Machine = Awaited<ReturnType<Machines['ready']>>;

describeWithRedis('a server that forgets', () => {
  let server: RedisProcess;
  let machines = new Machines();
  beforeAll(async () => {
    server = await RedisProcess.start({ config: { save: '3600 1' } });
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await machines.close();
    machines = new Machines();
  });
  const keysOf = (rig: Machine, name: unknown) => {
    const { id, space } = rig.key(name);
    const lead = `${machines.prefix}:2:{${space.partition}}:`;
    return {
      entry: `${lead}e:${id}`,
      lease: `${lead}l:${id}`,
      meta: `${lead}m`,
      state: `${lead}s`,
      index: `${lead}k`,
      expiries: `${lead}x`,
      labels: `${lead}t`,
    };
  };

  it('A3: a server restarted with yesterday’s data is told the last invalidations again before any caller reads', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('cat', 'old');
    await rig.set('dog', 'old', { tags: ['red'] });
    await rig.set('cow', 'kept');
    await server.command('SAVE');
    await rig.evict('cat');
    await rig.invalidateTag('red');
    expect(await rig.get('cow')).toBe('kept');
    await server.restart();
    const seen = new Set<unknown>();
    await until('the server is used again', async () => {
      seen.add(await rig.get('cat')).add(await rig.get('dog'));
      return (await rig.get('cow')) === 'kept';
    });
    seen.add(await rig.get('cat')).add(await rig.get('dog'));
    expect([...seen]).toEqual([undefined]);
  });

  it('A17: out of memory, what is there hits, what is not is loaded and not stored, and every removal succeeds', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('cat', 'Tom', { tags: ['red'] });
    await rig.set('dog', 'Rex');
    await rig.set('cow', 'Mu', { user: 'ann' });
    const used = /used_memory:(\d+)/.exec(String(await server.command('INFO', 'memory')))?.[1];
    await server.command('CONFIG', 'SET', 'maxmemory', Number(used) - 100_000);
    try {
      expect(await rig.get('cat')).toBe('Tom');
      for (let index = 0; index < 30; index++) expect(await rig.load(`new ${index}`, () => index)).toBe(index);
      for (let times = 0; times < 10; times++) {
        await expect(rig.set('bird', 'x')).rejects.toBeInstanceOf(RefusedError);
      }
      // A server that says no is there: hits go on.
      expect(await rig.get('dog')).toBe('Rex');
      expect(rig.recorded.of('warning')).toEqual([]);
      await rig.invalidateTag('red');
      expect(await rig.get('cat')).toBeUndefined();
      expect(await rig.evict('dog')).toBe(1);
      await rig.clear({ tenant: 'acme' });
      expect(await rig.get('cow', { user: 'ann' })).toBeUndefined();
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory', 0);
    }
    expect(await rig.load('new 1', () => 1)).toBe(1);
    expect(await rig.get('new 1')).toBe(1);
  });

  it('A18: when meta hash and state string were displaced their shard is empty, and a fill under way is refused', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('cat', 'old');
    const source = new Source<string>();
    const loading = rig.load('dog', source.load);
    await until('the loader runs', () => source.calls.length === 1);
    await server.command('DEL', keysOf(rig, 'cat').meta, keysOf(rig, 'cat').state);
    expect(await rig.get('cat')).toBeUndefined();
    await rig.load('bird', () => 1);
    source.answer(0, 'loaded');
    expect(await loading).toBe('loaded');
    expect(await rig.get('dog')).toBeUndefined();
    expect(await rig.get('cat')).toBeUndefined();
  });

  it('A18: a meta hash that came back with an earlier clock makes nothing valid that was before it, and keeps no caller waiting', async () => {
    const [rig, other] = [await machines.ready({ url: server.url }), await machines.ready({ url: server.url })];
    const { meta, state } = keysOf(rig, 'cat');
    const source = new Source<string>();
    await rig.set('cat', 'old');
    const loading = [rig.load('dog', source.load), rig.load('cow', source.load)];
    await until('the loaders run', () => source.calls.length === 2);
    await server.command('DEL', meta, state);
    // As a server does whose clock has gone back.
    await server.command('HSET', meta, 'i', 'abcdefghijklmnop', 'c', 9, 'q', 0, 'f', 9, 'b', 9, 'p', 0);
    expect(await rig.get('cat')).toBeUndefined();
    // A lease of an earlier life is none.
    const { answer, tookMs } = await timed(() => other.load('cow', () => 'of the other'));
    expect(answer).toBe('of the other');
    expect(tookMs).toBeLessThan(1_000);
    source.answer(0, 'loaded');
    source.answer(1, 'loaded');
    expect(await Promise.all(loading)).toEqual(['loaded', 'loaded']);
    const refusals = rig.recorded.of('refused').map(({ reason }) => reason);
    expect(refusals.sort()).toEqual(['invalidated', 'lease-lost']);
    expect([await rig.get('dog'), await rig.get('cow')]).toEqual([undefined, 'of the other']);
  });

  it('G0: a counter that lies under the key of another is none', async () => {
    const rig = await machines.ready({ url: server.url });
    const count = (name: string): Promise<number> =>
      rig.machine.engine.writes.increment(rig.key(name), 1, rig.policy());
    for (let times = 0; times < 41; times++) await count('mine');
    await server.command('COPY', keysOf(rig, 'mine').entry, keysOf(rig, 'other').entry);
    expect(await rig.get('other')).toBeUndefined();
    expect(rig.recorded.of('identity-mismatch')).toHaveLength(1);
    expect(await count('other')).toBe(1);
    expect([await rig.get('mine'), await rig.get('other')]).toEqual([41, 1]);
  });

  it('A18: an index that was displaced does not let a removal by pattern miss anything', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('report 1', 'old');
    await server.command('DEL', keysOf(rig, 'x').index);
    await rig.set('report 2', 'old');
    await rig.removeMatching('report*');
    expect([await rig.get('report 1'), await rig.get('report 2')]).toEqual([undefined, undefined]);
    await rig.set('report 3', 'new');
    await rig.set('other', 'stays');
    expect(await rig.removeMatching('report*')).toBe(1);
    expect(await rig.get('other')).toBe('stays');
  });

  it('A19: a fill whose lease was displaced is refused, and its caller gets the value', async () => {
    const rig = await machines.ready({ url: server.url });
    const source = new Source<string>();
    const loading = rig.load('cat', source.load);
    await until('the loader runs', () => source.calls.length === 1);
    await server.command('DEL', keysOf(rig, 'cat').lease);
    source.answer(0, 'loaded');
    expect(await loading).toBe('loaded');
    expect(rig.recorded.of('refused').map(({ reason }) => reason)).toEqual(['lease-lost']);
    expect(await rig.get('cat')).toBeUndefined();
  });

  it('A27: scripts that were flushed are told again; while a script runs for ever reads are loaded', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('cat', 'Tom');
    await server.command('SCRIPT', 'FLUSH');
    await Promise.all(Array.from({ length: 20 }, (_, index) => rig.load(`k${index}`, () => index)));
    expect(await rig.evict('cat')).toBe(1);
    await server.command('CONFIG', 'SET', 'busy-reply-threshold', 50);
    const endless = withClient(server.port, (client) => client.eval('while true do end', 0)).catch(() => undefined);
    await pause(150);
    for (let round = 0; round < 10; round++) {
      const { answer, tookMs } = await timed(() => rig.load('k1', () => 1));
      expect(answer).toBe(1);
      expect(tookMs).toBeLessThan(600);
    }
    // A client that probes a busy server is turned away: this one does not probe.
    await cli('-p', String(server.port), 'SCRIPT', 'KILL');
    await endless;
    await until('the server is used again', async () => (await rig.get('k2')) === 2);
  });

  it('A28: after FLUSHALL everything misses, and fills under way are refused', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('cat', 'old');
    const source = new Source<string>();
    const loading = rig.load('dog', source.load);
    await until('the loader runs', () => source.calls.length === 1);
    await server.command('FLUSHALL');
    expect(await rig.get('cat')).toBeUndefined();
    source.answer(0, 'loaded');
    expect(await loading).toBe('loaded');
    expect(await rig.get('dog')).toBeUndefined();
    expect(await rig.load('dog', () => 'again')).toBe('again');
    expect(await rig.get('dog')).toBe('again');
  });

  it('A29: another database is another cache, also when the two are swapped', async () => {
    const rig = await machines.ready({ url: server.url });
    const second = await machines.ready({ url: server.url, db: 1 });
    await rig.set('cat', 'of 0');
    expect(await second.get('cat')).toBeUndefined();
    await second.set('cat', 'of 1');
    const source = new Source<string>();
    const loading = rig.load('dog', source.load);
    await until('the loader runs', () => source.calls.length === 1);
    await server.command('SWAPDB', 0, 1);
    source.answer(0, 'loaded');
    expect(await loading).toBe('loaded');
    expect(await rig.get('dog')).toBeUndefined();
    await server.command('SWAPDB', 0, 1);
    expect(await rig.get('cat')).toBe('of 0');
  });

  it('A29: a database that the server does not have is not replaced by another', async () => {
    const rig = machines.on({ url: `${server.url}/99` });
    await rig.backend.open?.();
    expect(await rig.load('cat', () => 'Tom')).toBe('Tom');
    await expect(rig.set('cat', 'Tom')).rejects.toBeInstanceOf(CacheError);
    expect(rig.log).toEqual([expect.stringContaining('(ERR DB index is out of range)')]);
    const keys = await withClient(server.port, (client) => client.keys(`${machines.prefix}*`));
    expect(keys).toEqual([]);
    const required = machines.on({ url: server.url, db: 99, requireOnBoot: true, connectTimeout: '300ms' });
    await expect(required.backend.open?.()).rejects.toThrow('ERR DB index is out of range');
  });

  it('B18: a cache of another layout or number of slots is a cache of its own', async () => {
    const rig = await machines.ready({ url: server.url });
    const wider = await machines.ready({ url: server.url, shards: 4 });
    const elsewhere = await machines.ready({ url: server.url }, undefined, `${machines.prefix}x`);
    await rig.set('cat', 'Tom');
    expect([await wider.get('cat'), await elsewhere.get('cat')]).toEqual([undefined, undefined]);
    await wider.machine.engine.writes.clearEverything(wider.space());
    await elsewhere.machine.engine.writes.clearEverything(elsewhere.space());
    expect(await elsewhere.get('cat')).toBeUndefined();
  });

  it('B18: an envelope of a later version is a miss, and is left alone until something replaces it', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('cat', 'Tom');
    const { entry } = keysOf(rig, 'cat');
    await withClient(server.port, async (client) => {
      const bytes = await client.getBuffer(entry);
      const { crc32 } = await import('node:zlib');
      const newer = Buffer.from(bytes ?? Buffer.alloc(0));
      newer[2] = 9;
      newer.writeUInt32LE(crc32(newer.subarray(0, -4)), newer.length - 4);
      await client.set(entry, newer);
      expect(await rig.get('cat')).toBeUndefined();
      expect(await client.getBuffer(entry)).toEqual(newer);
    });
    expect(await rig.load('cat', () => 'again')).toBe('again');
    expect(await rig.get('cat')).toBe('again');
  });

  describe('B19: keys of other types', () => {
    it('under an entry, it goes and the value is loaded', async () => {
      const rig = await machines.ready({ url: server.url });
      const { entry } = keysOf(rig, 'cat');
      await server.command('LPUSH', entry, 'x');
      expect(await rig.get('cat')).toBeUndefined();
      expect(await rig.load('cat', () => 'Tom')).toBe('Tom');
      expect(await rig.get('cat')).toBe('Tom');
      await server.command('DEL', entry);
      await server.command('SADD', entry, 'x');
      expect(await rig.evict('cat')).toBe(0);
      await server.command('SADD', entry, 'x');
      await rig.set('cat', 'Kit');
      expect(await rig.get('cat')).toBe('Kit');
      await server.command('DEL', entry);
      await server.command('SADD', entry, 'x');
      expect(await rig.clear({ tenant: 'acme' })).toBe(0);
    });

    it('under a lease, it is no lease', async () => {
      const rig = await machines.ready({ url: server.url });
      await server.command('LPUSH', keysOf(rig, 'cat').lease, 'x');
      expect(await rig.load('cat', () => 'Tom')).toBe('Tom');
      expect(await rig.get('cat')).toBe('Tom');
    });

    it('under the meta hash, reads are loaded, and it goes with all that was valid by it', async () => {
      const rig = await machines.ready({ url: server.url });
      await rig.set('cat', 'old');
      const { meta, state } = keysOf(rig, 'cat');
      await server.command('DEL', meta, state);
      await server.command('LPUSH', meta, 'x');
      expect(await rig.load('cat', () => 'loaded')).toBe('loaded');
      await rig.invalidateTag('red');
      expect(await server.command('TYPE', meta)).not.toBe('list');
      expect(await rig.get('cat')).not.toBe('old');
    });
  });

  it('A86: under the meta hash of a state string, entries hit until something is invalidated', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('cat', 'old', { tags: ['red'] });
    const { meta } = keysOf(rig, 'cat');
    await server.command('DEL', meta);
    await server.command('LPUSH', meta, 'x');
    await rig.invalidateTag('red');
    expect(await rig.get('cat')).toBeUndefined();
    expect(await rig.load('cat', () => 'new')).toBe('new');
    expect(await rig.get('cat')).toBe('new');
  });

  describe('A62: clearing a tenant of many keys', () => {
    const isSoak = soaking(true, false);
    const count = isSoak ? 1_000_000 : 5_000;
    const patience = isSoak ? 900_000 : 60_000;
    const populate = async (rig: Machine, many: number): Promise<void> => {
      // A few batches at once: a million entries one batch after the other would take minutes.
      let begun = 0;
      const work = async (): Promise<void> => {
        while (begun < many) {
          const first = begun;
          begun += 2_000;
          const size = Math.min(2_000, many - first);
          await rig.machine.engine.writes.setMany(
            Array.from({ length: size }, (_, index) => [rig.key(first + index), 1, rig.policy()] as const),
          );
        }
      };
      await Promise.all([work(), work(), work()]);
    };
    /** How often the server has run each command, those of scripts included. */
    const commands = async (): Promise<ReadonlyMap<string, number>> => {
      const lines = String(await server.command('INFO', 'commandstats')).matchAll(/cmdstat_([\w|]+):calls=(\d+)/g);
      return new Map([...lines].map(([, name = '', calls]) => [name, Number(calls)]));
    };
    const left = async (): Promise<number> => Number(await server.command('DBSIZE'));
    beforeEach(async () => {
      await server.command('FLUSHALL');
      await server.command('CONFIG', 'RESETSTAT');
    });

    it(
      'invalidates at once, and holds the server up for milliseconds only: no step is about more than some hundreds',
      async () => {
        const rig = await machines.ready({ url: server.url, timeout: '5s', longTimeout: '10m' });
        await populate(rig, count);
        const before = await commands();
        const clearing = rig.clear({ tenant: 'acme' });
        await pause(30);
        expect(await rig.get(7)).toBeUndefined();
        expect(await clearing).toBe(count);
        const after = await commands();
        for (const name of ['zrangebylex', 'evalsha'])
          expect((after.get(name) ?? 0) - (before.get(name) ?? 0)).toBeGreaterThan(count / 500);
        expect(await left()).toBeLessThan(10);
      },
      patience,
    );

    it('does as much on the server for thousands as for ten, and never looks for keys', async () => {
      const rig = await machines.ready({ url: server.url, timeout: '5s', index: false });
      const cost: Record<string, number>[] = [];
      for (const many of [10, 3_000]) {
        await populate(rig, many);
        const before = await commands();
        await rig.clear({ tenant: 'acme' });
        const after = await commands();
        const grown = [...after].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)] as const);
        cost.push(Object.fromEntries(grown.filter(([name, by]) => by > 0 && name !== 'ping')));
        expect([await rig.get(3), after.has('keys')]).toEqual([undefined, false]);
      }
      // `info` asks this, and a script that is not known yet is told once.
      for (const each of cost) for (const name of ['info', 'eval', 'evalsha']) delete each[name];
      expect(cost[1]).toEqual(cost[0]);
    });

    it('that has to be sent again is sent before any caller reads, and no caller waits while it is counted', async () => {
      const rig = await machines.ready({ url: server.url, pause: '100ms' });
      await populate(rig, 3_000);
      server.halt();
      await expect(rig.clear({ tenant: 'acme' })).rejects.toBeInstanceOf(InvalidationUnknownError);
      server.resume();
      await until('the server is used again', async () => {
        await rig.load('probe', () => 1);
        return (await rig.get('probe')) === 1;
      });
      expect(await rig.get(7)).toBeUndefined();
      expect((await commands()).get('zrangebylex') ?? 0).toBeLessThan(3);
    });
  });

  it('A63: what a tenant leaves behind ends by itself', async () => {
    const rig = await machines.ready({ url: server.url });
    for (let index = 0; index < 200; index++) {
      await rig.set('cat', index, { tenant: `tenant ${index}`, ttl: '10m', tags: ['red'] });
      await rig.invalidateTag('red', { tenant: `tenant ${index}` });
    }
    await withClient(server.port, async (client) => {
      const keys: string[] = [];
      for await (const some of client.scanStream({ match: `${machines.prefix}:*`, count: 10_000 })) {
        keys.push(...(some as string[]));
      }
      expect(keys.length).toBeGreaterThan(600);
      const left = await Promise.all(keys.map((key) => client.pttl(key)));
      expect(keys.filter((_, at) => (left[at] ?? -1) < 0)).toEqual([]);
      // The shard outlives its entries, or they would be lost with it.
      for (const [at, key] of keys.entries()) if (key.endsWith('}:m')) expect(left[at]).toBeGreaterThan(600_000);
    });
  });

  it('A63: a shard is remembered as long as its longest entry', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('short', 1, { ttl: '1s' });
    await rig.set('long', 1, { ttl: '10d' });
    const { meta, index, expiries } = keysOf(rig, 'x');
    for (const key of [meta, index, expiries]) {
      expect(Number(await server.command('PTTL', key))).toBeGreaterThan(864_000_000);
    }
    await rig.set('endless', 1, { ttl: null });
    for (const key of [meta, index, expiries]) {
      const left = Number(await server.command('PTTL', key));
      expect(left).toBeGreaterThan(YEAR_MS - 60_000);
      expect(left).toBeLessThanOrEqual(YEAR_MS + DAY_MS);
    }
  });

  it('A64: a hundred thousand tags of one tenant take bounded room, and what they invalidated stays invalid', async () => {
    const rig = await machines.ready({ url: server.url, timeout: '5s' });
    const count = soaking(100_000, 6_000);
    const { meta, labels } = keysOf(rig, 'x');
    await rig.set('early', 'old', { tags: ['tag 5'] });
    await rig.invalidateTag('tag 5');
    await rig.set('bystander', 'old');
    for (let done = 0; done < count; done += 500) {
      await Promise.all(Array.from({ length: 500 }, (_, index) => rig.invalidateTag(`tag ${done + index}`)));
      expect(Number(await server.command('HLEN', meta))).toBeLessThan(4_096 + 200);
      expect(Number(await server.command('ZCARD', labels))).toBeLessThan(4_096 + 1);
    }
    expect(String(await server.command('INFO', 'commandstats'))).not.toContain('cmdstat_hgetall');
    expect(await rig.get('early')).toBeUndefined();
    await rig.set('late', 'old', { tags: ['tag 7'] });
    expect(await rig.get('late')).toBe('old');
    await rig.invalidateTag('tag 7');
    expect(await rig.get('late')).toBeUndefined();
  });
});
