/** What a server forgets, displaces or mixes up: misses and refused fills, never an old value. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { RefusedError } from '../../lib/backends/refused.error.js';
import { CacheError } from '../../lib/core/errors.js';
import { Source } from '../support/machine/rig.js';
import { Machines, timed } from '../support/redis/machines.js';
import { cli } from '../support/redis/redis-cluster.js';
import { pause, RedisProcess, until, withClient } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

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
  const keysOf = (rig: Awaited<ReturnType<Machines['ready']>>, name: unknown) => {
    const { id, space } = rig.key(name);
    const lead = `${machines.prefix}:1:{${space.partition}}:`;
    return {
      entry: `${lead}e:${id}`,
      lease: `${lead}l:${id}`,
      meta: `${lead}m`,
      index: `${lead}k`,
      expiries: `${lead}x`,
    };
  };

  it('A3: a server restarted with yesterday’s data is told the last invalidations again before anybody reads', async () => {
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

  it('A18: when the meta hash was displaced its shard is empty, and a fill under way is refused', async () => {
    const rig = await machines.ready({ url: server.url });
    await rig.set('cat', 'old');
    const source = new Source<string>();
    const loading = rig.load('dog', source.load);
    await until('the loader runs', () => source.calls.length === 1);
    await server.command('DEL', keysOf(rig, 'cat').meta);
    expect(await rig.get('cat')).toBeUndefined();
    await rig.load('bird', () => 1);
    source.answer(0, 'loaded');
    expect(await loading).toBe('loaded');
    expect(await rig.get('dog')).toBeUndefined();
    expect(await rig.get('cat')).toBeUndefined();
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
    // Whoever greets a busy server is turned away: this one does not greet.
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

    it('under the meta hash, reads are loaded and removals say that they failed', async () => {
      const rig = await machines.ready({ url: server.url });
      await rig.set('cat', 'old');
      const { meta } = keysOf(rig, 'cat');
      await server.command('DEL', meta);
      await server.command('LPUSH', meta, 'x');
      expect(await rig.load('cat', () => 'loaded')).toBe('loaded');
      await expect(rig.invalidateTag('red')).rejects.toBeInstanceOf(CacheError);
      await server.command('DEL', meta);
      expect(await rig.get('cat')).toBeUndefined();
    });
  });

  it('A62: clearing a tenant of many keys invalidates at once, and holds the server up for milliseconds only', async () => {
    const rig = await machines.ready({ url: server.url, timeout: '5s' });
    const count = process.env['SOAK'] === undefined ? 20_000 : 1_000_000;
    for (let done = 0; done < count; done += 2_000) {
      const entries = Array.from({ length: 2_000 }, (_, index) => [rig.key(done + index), 1, rig.policy()] as const);
      await rig.machine.engine.writes.setMany(entries);
    }
    await server.command('CONFIG', 'SET', 'slowlog-log-slower-than', 100_000);
    await server.command('SLOWLOG', 'RESET');
    const clearing = rig.clear({ tenant: 'acme' });
    await pause(30);
    expect(await rig.get(7)).toBeUndefined();
    expect(await clearing).toBe(count);
    const slow = (await server.command('SLOWLOG', 'GET', 10)) as unknown[];
    // A busy machine stops anybody for a while now and then; a script over all keys would take seconds.
    expect(slow.length).toBeLessThan(3);
  });

  it('A63: what a tenant leaves behind ends by itself', async () => {
    const rig = await machines.ready({ url: server.url });
    for (let index = 0; index < 200; index++) {
      await rig.set('cat', index, { tenant: `tenant ${index}`, ttl: '10m', tags: ['red'] });
      await rig.invalidateTag('red', { tenant: `tenant ${index}` });
    }
    await withClient(server.port, async (client) => {
      const [, keys] = await client.scan('0', 'MATCH', `${machines.prefix}:*`, 'COUNT', 100_000);
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
    for (const key of [meta, index, expiries]) expect(await server.command('PTTL', key)).toBe(-1);
  });

  it('A64: a hundred thousand tags of one tenant take bounded room, and what they invalidated stays invalid', async () => {
    const rig = await machines.ready({ url: server.url, timeout: '5s' });
    const count = process.env['SOAK'] === undefined ? 12_000 : 100_000;
    const { meta } = keysOf(rig, 'x');
    await rig.set('early', 'old', { tags: ['tag 5'] });
    await rig.invalidateTag('tag 5');
    await rig.set('bystander', 'old');
    for (let done = 0; done < count; done += 500) {
      await Promise.all(Array.from({ length: 500 }, (_, index) => rig.invalidateTag(`tag ${done + index}`)));
      expect(Number(await server.command('HLEN', meta))).toBeLessThan(4_096 + 200);
    }
    expect(await rig.get('early')).toBeUndefined();
    await rig.set('late', 'old', { tags: ['tag 7'] });
    expect(await rig.get('late')).toBe('old');
    await rig.invalidateTag('tag 7');
    expect(await rig.get('late')).toBeUndefined();
  });
});
