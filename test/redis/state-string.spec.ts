/**
 * The state string, by which hits are judged, and the meta hash, by which everything else is: what becomes of reads when one
 * of the two is displaced, or put back to what it was, or another server answers. Explored state by state in
 * test/model/string.variants.ts.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Clock } from '../../lib/core/clock.js';
import type { Label } from '../../lib/core/keys/label.js';
import type { Rig } from '../support/machine/rig.js';
import { Machines } from '../support/redis/machines.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

/** A busy machine takes its time; nothing here waits for a deadline. */
const PATIENT = { timeout: '5s' } as const;
const SAVED = 'saved';

/** Every way to say that `cat`, which has the tag `red`, is over. */
const WAYS: readonly [string, (rig: Rig<Clock>) => Promise<unknown>][] = [
  ['evict', (rig) => rig.evict('cat')],
  ['invalidateTag', (rig) => rig.invalidateTag('red')],
  ['removeMatching', (rig) => rig.removeMatching('c*')],
  ['clear', (rig) => rig.clear()],
  ['clear of a namespace', (rig) => rig.clear({ namespace: rig.space().namespace })],
  ['clear of a namespace of all tenants', (rig) => rig.clearEverywhere()],
  ['clearEverything', async (rig) => rig.backend.clearEverything()],
];

describeWithRedis('the state string', () => {
  let server: RedisProcess;
  let machines = new Machines();
  beforeAll(async () => {
    server = await RedisProcess.start({ config: { save: '3600 1' } });
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await machines.close();
    machines = new Machines();
    await server.command('FLUSHALL');
  });

  const nameOf = (end: string): string => `${machines.prefix}:2:{t.acme}:${end}`;
  const displace = (end: string, from = server): Promise<unknown> => from.command('UNLINK', nameOf(end));
  const exists = async (end: string): Promise<boolean> => (await server.command('EXISTS', nameOf(end))) === 1;
  const ready = (): Promise<Rig<Clock>> => machines.ready({ ...PATIENT, url: server.url });
  const callsOf = async (command: string): Promise<number> =>
    Number(
      new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(String(await server.command('INFO', 'commandstats')))?.[1] ??
        0,
    );
  /** The look of a process at a shard that it has not read before has come back. */
  const looked = async (rig: Rig<Clock>): Promise<void> => {
    const before = await callsOf('hmget');
    await rig.get('cat');
    await until('it was looked at', async () => (await callsOf('hmget')) > before);
  };

  /** More tags than the string has room for, the last of them `blue`: of older entries it says nothing. */
  const invalidateMany = async (rig: Rig<Clock>): Promise<void> => {
    for (let number = 0; number < 12; number++) await rig.invalidateTag(`tag ${number}`);
    await rig.invalidateTag('blue');
  };
  const listed = async (): Promise<string[]> =>
    String(await server.command('GET', nameOf('s')))
      .split('|')
      .slice(5)
      .filter((_, at) => at % 2 === 1)
      .flatMap((labels) => labels.split(','));

  it('says what the hash says, and ends no later', async () => {
    const rig = await ready();
    const both = async (): Promise<string> => {
      const [i, f, b, list] = (await server.command('HMGET', nameOf('m'), 'i', 'f', 'b', 'r')) as string[];
      const text = (await server.command('GET', nameOf('s'))) as string;
      expect(text).toBe(`2|${i}|${f}|${list ?? `${b}|${b}|`}`);
      expect(text.split('|')[3]).toBe(b);
      const [hash, string] = [await server.command('PTTL', nameOf('m')), await server.command('PTTL', nameOf('s'))];
      expect(Number(string)).toBeGreaterThan(0);
      expect(Number(string)).toBeLessThanOrEqual(Number(hash) + 1);
      return text;
    };
    const seen = new Set<string>();
    await rig.load('cat', () => 'Tom', { tags: ['red'] });
    seen.add(await both());
    for (const [, way] of WAYS.slice(1)) {
      await way(rig);
      seen.add(await both());
    }
    expect(seen.size).toBe(WAYS.length);
    await rig.evict('cat');
    seen.add(await both());
    expect(seen.size).toBe(WAYS.length);
  });

  it.each(['set', 'load', 'increment'] as const)('is there after a first %s', async (verb) => {
    const rig = await ready();
    const key = rig.key('cat');
    if (verb === 'set') await rig.set('cat', 1);
    else if (verb === 'load') await rig.load('cat', () => 1);
    else
      await rig.backend.increment(key, 1, {
        labels: key.labels,
        freshForMs: 9_000,
        keptForMs: 9_000,
        isolation: undefined,
      });
    expect(await exists('s')).toBe(true);
  });

  it('a hit is one command, also of an entry older than the last invalidation once its labels are known', async () => {
    const rig = await ready();
    await rig.set('cat', 'Tom', { tags: ['red'] });
    await looked(rig);
    const hits = async (): Promise<number[]> => {
      const before = [await callsOf('mget'), await callsOf('hmget'), await callsOf('evalsha')];
      for (let times = 0; times < 5; times++) expect(await rig.get('cat')).toBe('Tom');
      const after = [await callsOf('mget'), await callsOf('hmget'), await callsOf('evalsha')];
      return after.map((calls, at) => calls - (before[at] as number));
    };
    // What the string names it need not ask for.
    await rig.invalidateTag('blue');
    expect(await hits()).toEqual([5, 0, 0]);
    await invalidateMany(rig);
    expect(await hits()).toEqual([5, 1, 0]);
    // What it knows goes on while the string names what is invalidated.
    for (let times = 0; times < 30; times++) {
      await rig.invalidateTag(`tag ${times}`);
      expect(await rig.get('cat')).toBe('Tom');
    }
    expect(await hits()).toEqual([5, 0, 0]);
    await rig.invalidateTag('red');
    expect(await rig.get('cat')).toBeUndefined();
  });

  it('A107: a namespace of all tenants is one script for each of them, however many entries it has', async () => {
    const rig = await machines.ready({ ...PATIENT, url: server.url, index: false });
    const tenants = ['acme', 'beta', 'gamma'];
    for (const tenant of tenants) {
      for (let at = 0; at < 20; at++) await rig.set(at, 'old', { tenant });
      await rig.set('rex', 'Rex', { tenant, namespace: 'dogs' });
    }
    const before = await callsOf('evalsha');
    await rig.clearEverywhere();
    expect((await callsOf('evalsha')) - before).toBe(tenants.length);
    for (const tenant of tenants) {
      for (let at = 0; at < 20; at++) expect(await rig.get(at, { tenant })).toBeUndefined();
      expect(await rig.get('rex', { tenant, namespace: 'dogs' })).toBe('Rex');
    }
  });

  it('A112: the string names what was invalidated last, each label once, within bounds', async () => {
    const rig = await ready();
    await rig.set('cat', 'Tom', { tags: ['red'] });
    const longest = 'x'.repeat(90);
    for (let times = 0; times < 40; times++) {
      await rig.invalidateTag(times % 2 === 0 ? 'red' : `tag ${times}`);
      const text = String(await server.command('GET', nameOf('s')));
      expect(text.length).toBeLessThan(400);
      const names = await listed();
      expect(names.filter((name) => name === 't:red')).toHaveLength(1);
      expect(names.length).toBeGreaterThanOrEqual(2);
    }
    for (let times = 0; times < 4; times++) await rig.invalidateTag(`${longest}${times}`);
    expect(String(await server.command('GET', nameOf('s'))).length).toBeLessThan(400);
  });

  it.each<readonly [string, (rig: Rig<Clock>) => unknown]>([
    [
      'more labels than are named',
      (rig) =>
        rig.backend.invalidate(
          rig.key('cat').space.partition,
          Array.from({ length: 10 }, (_, at) => `t:${at}` as Label),
        ),
    ],
    [
      'a label that could be read as two',
      (rig) => rig.backend.invalidate(rig.key('cat').space.partition, ['t:black,t:blue' as Label]),
    ],
    [
      'a label that could be written in two ways',
      (rig) => rig.backend.invalidate(rig.key('cat').space.partition, ['t:grün' as Label]),
    ],
    ['everything', (rig) => rig.clear()],
  ])('A113: of %s nothing is named, and what was named before is not either', async (_, invalidate) => {
    const [rig, other] = [await ready(), await ready()];
    await rig.set('cat', 'Tom', { tags: ['red', 'grün'] });
    await rig.invalidateTag('blue');
    expect(await other.get('cat')).toBe('Tom');
    expect(await listed()).not.toEqual([]);
    await invalidate(rig);
    expect(await listed()).toEqual([]);
    await rig.invalidateTag('red');
    expect(await other.get('cat')).toBeUndefined();
  });

  it('A114: of a process that was not reading while many labels were invalidated nothing goes on', async () => {
    const [rig, other] = [await ready(), await ready()];
    await rig.set('cat', 'Tom', { tags: ['red'] });
    await rig.set('dog', 'Rex', { tags: ['black'] });
    await invalidateMany(rig);
    expect([await other.get('cat'), await other.get('dog')]).toEqual(['Tom', 'Rex']);
    await rig.invalidateTag('red');
    await invalidateMany(rig);
    expect(await listed()).not.toContain('t:red');
    expect([await other.get('cat'), await other.get('dog')]).toEqual([undefined, 'Rex']);
  });

  it.each(WAYS)(
    'A85: the string alone is displaced: the hash answers, it is written again, and %s is seen',
    async (_, way) => {
      const [rig, other] = [await ready(), await ready()];
      await rig.set('cat', 'Tom', { tags: ['red'] });
      expect(await other.get('cat')).toBe('Tom');
      await displace('s');
      expect(await other.get('cat')).toBe('Tom');
      await until('it is written again', async () => {
        expect(await other.get('cat')).toBe('Tom');
        return exists('s');
      });
      await displace('s');
      await way(rig);
      expect(await other.get('cat')).toBeUndefined();
    },
  );

  it('A85: a string that cannot be kept is not written with every hit', async () => {
    const rig = await ready();
    await rig.set('cat', 'Tom');
    await looked(rig);
    await displace('s');
    const used = /used_memory:(\d+)/.exec(String(await server.command('INFO', 'memory')))?.[1];
    await server.command('CONFIG', 'SET', 'maxmemory', Number(used) - 100_000);
    try {
      const [scripts, reads] = [await callsOf('evalsha'), await callsOf('mget')];
      const beganAtMs = performance.now();
      for (let times = 0; times < 200; times++) expect(await rig.get('cat')).toBe('Tom');
      const seconds = Math.ceil((performance.now() - beganAtMs) / 1_000);
      expect((await callsOf('mget')) - reads).toBe(200);
      expect((await callsOf('evalsha')) - scripts).toBeLessThanOrEqual(seconds + 1);
      expect(rig.recorded.of('warning')).toEqual([]);
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory', 0);
    }
  });

  it.each(WAYS)('A86: the hash alone is displaced: entries hit until %s, which finds none', async (_, way) => {
    const [rig, other] = [await ready(), await ready()];
    await rig.set('cat', 'Tom', { tags: ['red'] });
    await looked(rig);
    await looked(other);
    await displace('m');
    expect(await other.get('cat')).toBe('Tom');
    await way(rig);
    expect(await other.get('cat')).toBeUndefined();
    expect(await rig.get('cat')).toBeUndefined();
    expect(await other.load('cat', () => 'Kit', { tags: ['red'] })).toBe('Kit');
    expect(await rig.get('cat')).toBe('Kit');
  });

  it('A86: an entry older than the last invalidation is a miss when the hash is gone, as it says nothing of its labels', async () => {
    const [rig, other] = [await ready(), await ready()];
    await rig.set('cat', 'Tom', { tags: ['red'] });
    await looked(rig);
    await looked(other);
    await invalidateMany(rig);
    await displace('m');
    expect(await other.get('cat')).toBeUndefined();
  });

  it('A86: a process that has not read of that tenant yet looks, and the tenant begins anew', async () => {
    const [rig, other] = [await ready(), await ready()];
    await rig.set('cat', 'Tom');
    await displace('m');
    await looked(other);
    await until('the string is gone', async () => !(await exists('s')));
    expect(await rig.get('cat')).toBeUndefined();
    expect(other.recorded.of('warning')).toEqual([]);
  });

  it.each(['expire', 'increment'] as const)(
    'A86: %s of what only the string says is there finds nothing, and ends',
    async (verb) => {
      const rig = await ready();
      await rig.set('cat', 1);
      await looked(rig);
      await displace('m');
      const key = rig.key('cat');
      const draft = { labels: key.labels, freshForMs: 9_000, keptForMs: 9_000, isolation: undefined };
      if (verb === 'expire') expect(await rig.backend.expire(key, 5_000, 5_000)).toBe(false);
      else expect(await rig.backend.increment(key, 1, draft)).toBe(1);
    },
  );

  it.each([
    ['A87: the string', 's'],
    ['A88: the hash', 'm'],
  ])(
    '%s alone is put back to what it was: the next look finds it, and nothing old is served from then on',
    async (_, end) => {
      const rig = await ready();
      await rig.set('cat', 'old', { tags: ['red'] });
      await looked(rig);
      // Kept under another name, entry and all, as a dump keeps it.
      const entry = nameOf(`e:${rig.key('cat').id}`);
      await server.command('COPY', nameOf(end), SAVED);
      await server.command('COPY', entry, `${SAVED}:entry`);
      await rig.invalidateTag('red');
      await server.command('COPY', SAVED, nameOf(end), 'REPLACE');
      await server.command('COPY', `${SAVED}:entry`, entry, 'REPLACE');
      const other = await ready();
      await looked(other);
      await until('it is told', () => other.recorded.of('warning').length > 0);
      expect(other.recorded.of('warning')[0]?.message).toContain('not written together');
      for (const each of [rig, other]) expect(await each.get('cat')).toBeUndefined();
      expect([await exists('m'), await exists('s')]).toEqual([false, false]);
      expect(await other.load('cat', () => 'new', { tags: ['red'] })).toBe('new');
      expect(await rig.get('cat')).toBe('new');
    },
  );

  it.each([
    ['the hash', 'm', 'invalidateTag of another', (rig: Rig<Clock>) => rig.invalidateTag('blue')],
    ['the hash', 'm', 'removeMatching of another', (rig: Rig<Clock>) => rig.removeMatching('d*')],
    ['the hash', 'm', 'clear of another namespace', (rig: Rig<Clock>) => rig.clear({ namespace: 'dogs' })],
    ['the string', 's', 'invalidateTag of another', (rig: Rig<Clock>) => rig.invalidateTag('blue')],
  ] as const)(
    'A115: %s alone is restored from a dump (%s), and before a look comes %s: nothing old is served, no old fill accepted',
    async (_, end, _way, way) => {
      const rig = await ready();
      await rig.set('cat', 'old', { tags: ['red'] });
      await looked(rig);
      const key = rig.key('cow', { tags: ['red'] });
      const granted = await rig.backend.lease(key, { leaseMs: 9_000, purpose: 'missing' });
      if (granted.kind !== 'granted') throw new Error('not granted');
      // The server copies bytes as they are; a dump's would not survive being read as text.
      await server.command('EVAL', "redis.call('SET', KEYS[2], redis.call('DUMP', KEYS[1]))", 2, nameOf(end), SAVED);
      await rig.invalidateTag('red');
      const restore = "redis.call('RESTORE', KEYS[1], 0, redis.call('GET', KEYS[2]), 'REPLACE')";
      await server.command('EVAL', restore, 2, nameOf(end), SAVED);
      await way(rig);
      expect(rig.recorded.of('warning')[0]?.message).toContain('not written together');
      const draft = { value: 'old', labels: key.labels, freshForMs: 9_000, keptForMs: 9_000, isolation: undefined };
      expect(await rig.backend.fill(granted.lease, draft)).toBe('invalidated');
      const other = await ready();
      for (const each of [rig, other]) {
        expect([await each.get('cat'), await each.get('cow')]).toEqual([undefined, undefined]);
      }
      expect(await other.load('cat', () => 'new', { tags: ['red'] })).toBe('new');
      await rig.invalidateTag('blue');
      expect(await rig.get('cat')).toBe('new');
    },
  );

  it('A88: a hash that is older than the string makes nothing valid, also before it is looked at', async () => {
    const rig = await ready();
    await rig.set('cat', 'old', { tags: ['red'] });
    await looked(rig);
    await server.command('COPY', nameOf('m'), SAVED);
    await rig.invalidateTag('red');
    await server.command('COPY', SAVED, nameOf('m'), 'REPLACE');
    expect(await rig.get('cat')).toBeUndefined();
  });

  it('A89: of more labels than are remembered, none is forgotten while a read is judged by it', async () => {
    const rig = await ready();
    const names = Array.from({ length: 1_300 }, (_, number) => `k${number}`);
    await Promise.all(names.map((name) => rig.set(name, name, { tags: [name] })));
    await looked(rig);
    await rig.invalidateTag('other');
    // All at once, and one after another with the memory already full.
    expect(await Promise.all(names.map((name) => rig.get(name)))).toEqual(names);
    await rig.invalidateTag('k7');
    await rig.invalidateTag('k1299');
    const expected = names.map((name) => (name === 'k7' || name === 'k1299' ? undefined : name));
    expect(await Promise.all(names.map((name) => rig.get(name)))).toEqual(expected);
    for (const name of ['k7', 'k8', 'k1299', 'k0', 'k7']) {
      expect(await rig.get(name)).toBe(name === 'k7' || name === 'k1299' ? undefined : name);
    }
  });

  it('A90: labels that were learnt from one server are not believed of the next, which may have counted otherwise', async () => {
    const leaving = new Machines();
    const rig = await ready();
    const other = await leaving.ready({ ...PATIENT, url: server.url }, undefined, machines.prefix);
    await rig.set('cat', 'old', { tags: ['red'] });
    await rig.set('cow', 'kept');
    await invalidateMany(other);
    // It would say its last invalidations again.
    await leaving.close();
    expect([await rig.get('cat'), await rig.get('cow')]).toEqual(['old', 'kept']);
    const fields = (await server.command('HKEYS', nameOf('m'))) as string[];
    const blue = fields.find((field) => field.includes('blue')) as string;
    const bulk = (await server.command('HGET', nameOf('m'), 'b')) as string;
    await server.command('HSET', nameOf('m'), blue.replace('blue', 'red'), bulk);
    await server.command('SAVE');
    await server.restart();
    const seen = new Set<unknown>();
    await until('the server is used again', async () => {
      seen.add(await rig.get('cat'));
      return (await rig.get('cow')) === 'kept';
    });
    seen.add(await rig.get('cat'));
    expect([...seen]).toEqual([undefined]);
  });

  describe('A91: what stands there and is no state string', () => {
    it.each([
      ['text', (name: string) => ['SET', name, 'Tom']],
      ['an older format', (name: string) => ['SET', name, '1|AAAAAAAAAAAAAAAA|1|1']],
      ['another type', (name: string) => ['RPUSH', name, 'Tom']],
    ] as const)('%s: the hash answers, and it is overwritten', async (_, plant) => {
      const [rig, other] = [await ready(), await ready()];
      await rig.set('cat', 'Tom', { tags: ['red'] });
      await displace('s');
      await server.command(...(plant(nameOf('s')) as [string, ...string[]]));
      expect(await other.get('cat')).toBe('Tom');
      await until('it is one again', async () => {
        expect(await other.get('cat')).toBe('Tom');
        return String(await server.command('GET', nameOf('s')).catch(() => '')).startsWith('2|');
      });
      await server.command(...(plant(nameOf('s')) as [string, ...string[]])).catch(() => undefined);
      await rig.invalidateTag('red');
      expect(await other.get('cat')).toBeUndefined();
    });

    it('a later format is left to those that know it; the hash answers', async () => {
      const [rig, other] = [await ready(), await ready()];
      await rig.set('cat', 'Tom', { tags: ['red'] });
      const later = '3|something else';
      await server.command('SET', nameOf('s'), later);
      await looked(other);
      expect(await other.get('cat')).toBe('Tom');
      expect(await server.command('GET', nameOf('s'))).toBe(later);
      await rig.invalidateTag('red');
      expect(await other.get('cat')).toBeUndefined();
    });
  });
});
