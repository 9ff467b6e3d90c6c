/** What a process that may write to the server has put among our keys: it is left out, or goes; nothing fails by it for ever. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Backend } from '../../lib/core/backend.js';
import { compileGlob } from '../../lib/core/keys/glob.js';
import { judge } from '../../lib/core/verdict.js';
import { DEFAULT_POLICY } from '../../lib/core/policy.js';
import { systemClock } from '../../lib/core/clock.js';
import { recordEvents } from '../../lib/testing/record-events.js';
import { Rig } from '../support/machine/rig.js';
import { redisBackend } from '../support/redis/redis-machine.js';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

describeWithRedis('what was planted', () => {
  let server: RedisProcess;
  let backend: Backend;
  let lead: string;
  let recorded = recordEvents();
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    const prefix = randomPrefix();
    lead = `${prefix}:2:{t.acme}:`;
    recorded = recordEvents();
    backend = redisBackend({ url: server.url, prefix, observer: recorded.observer, timeout: '5s' });
  });
  afterEach(() => backend.close());

  const rig = new Rig();
  const view = rig.view();
  const keyOf = (name: string, tags: string[] = []) => rig.key(name, { tags });
  const write = async (name: string, tags: string[] = []): Promise<void> => {
    const key = keyOf(name, tags);
    const life = { labels: key.labels, freshForMs: 60_000, keptForMs: 60_000, isolation: undefined };
    await backend.write(key, { value: name, ...life });
  };
  const holds = async (name: string): Promise<boolean> => {
    const key = keyOf(name);
    const { entry, required } = await backend.read(key);
    return entry !== undefined && judge(entry, required, key, systemClock.monotonicMs(), DEFAULT_POLICY) === 'fresh';
  };
  const list = async (pattern = '*'): Promise<string[]> => {
    const keys: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await backend.scan({ view, match: compileGlob(pattern) }, cursor);
      keys.push(...page.keys);
      cursor = page.cursor;
    } while (cursor !== undefined && ++pages < 100);
    expect(pages).toBeLessThan(100);
    return keys;
  };

  describe.each<readonly [string, string | Buffer]>([
    ['that does not decode', "t.acme/cats/'%ZZ"],
    ['that is no text', Buffer.from([0x74, 0x2e, 0x61, 0x63, 0x6d, 0x65, 0x2f, 0x63, 0x61, 0x74, 0x73, 0x2f, 0xff])],
    ['without a form', '%'],
  ])('a member of the index %s', (_, member) => {
    it('is left out of listings and patterns, told once, and goes with clear()', async () => {
      await write('tom');
      await server.command('ZADD', `${lead}k`, '0', member as string);
      // As an entry that looks alive: what stands under another name, byte by byte.
      await server.command('COPY', `${lead}e:${keyOf('tom').id}`, `${lead}e:${String(member)}`);
      expect(await list()).toEqual(['tom']);
      expect(await list('t*')).toEqual(['tom']);
      expect((await backend.usage(view)).entries).toBeGreaterThanOrEqual(1);
      expect(await backend.removeMatching({ view, match: compileGlob('x*') })).toBe(0);
      expect(await backend.removeMatching({ view, match: compileGlob('to?') })).toBe(1);
      await write('tom');
      const warnings = recorded.events.filter(({ type }) => type === 'warning');
      expect(warnings).toHaveLength(member === '%' ? warnings.length : 1);
      expect(JSON.stringify(warnings)).not.toContain('ZZ');
      await backend.clear(view);
      expect(await list()).toEqual([]);
      expect(await server.command('ZRANGE', `${lead}k`, '0', '-1')).not.toContain(member);
    });
  });

  it('four hundred members that are no text do not hold a listing up', async () => {
    await write('tom');
    for (let at = 0; at < 400; at++) {
      await server.command(
        'ZADD',
        `${lead}k`,
        '0',
        Buffer.concat([Buffer.from([0xfe]), Buffer.from(`${at}`)]) as never,
      );
    }
    expect(await list()).toEqual(['tom']);
    expect(await backend.clear(view)).toBe(1);
  });

  it.each<readonly [string, readonly string[]]>([
    ['a clock that is no number', ['HSET', 'm', 'c', 'soon']],
    ['a clock beyond all numbers', ['HSET', 'm', 'c', '9'.repeat(30)]],
    ['a minimum stamp that is no number', ['HSET', 'm', 'f', '{}']],
    ['a sequence that is missing', ['HDEL', 'm', 'q']],
    ['a text in its place', ['SET', 'm', 'x']],
  ])('state with %s goes, and with it what was valid by it', async (_, [verb, key, ...args]) => {
    await write('tom', ['pets']);
    await server.command(verb as string, `${lead}${key}`, ...args);
    await backend.invalidate(view.partition, [rig.machine.keyFactory.tagLabel(rig.scope(), 'tenant', 'pets')]);
    expect(await holds('tom')).toBe(false);
    await write('tim', ['pets']);
    expect(await holds('tim')).toBe(true);
    expect(await backend.clear(view)).toBe(1);
    const reply = await backend.lease(keyOf('tim'), { leaseMs: 5_000, purpose: 'missing' });
    expect(reply.kind).toBe('granted');
  });

  it.each(['k', 'x', 't'])('something of another type in the place of %s goes, and every call works', async (name) => {
    await write('tom', ['pets']);
    await server.command('SET', `${lead}${name}`, 'alien');
    await list();
    await write('tim', ['pets']);
    await backend.evict([keyOf('tom')]);
    await server.command('SET', `${lead}${name}`, 'alien');
    await backend.removeMatching({ view, match: compileGlob('z*') });
    await backend.invalidate(view.partition, [rig.machine.keyFactory.tagLabel(rig.scope(), 'tenant', 'pets')]);
    expect(await holds('tim')).toBe(false);
    await write('ida');
    expect(await holds('ida')).toBe(true);
    expect(await list('i*')).toEqual(['ida']);
    await backend.clear(view);
    expect(await list()).toEqual([]);
  });

  it('a stamp of a label that is no number lets nothing with that label be valid, and goes when it is invalidated', async () => {
    await write('tom', ['pets']);
    const label = rig.machine.keyFactory.tagLabel(rig.scope(), 'tenant', 'pets');
    await server.command('HSET', `${lead}m`, label, 'later');
    // Labels of an entry are looked at when it is older than what the list in the state string reaches back to.
    const others = Array.from({ length: 40 }, (_, at) =>
      rig.machine.keyFactory.tagLabel(rig.scope(), 'tenant', `others ${at}`),
    );
    await backend.invalidate(view.partition, others);
    expect(await holds('tom')).toBe(false);
    await backend.invalidate(view.partition, [label]);
    await write('tom', ['pets']);
    expect(await holds('tom')).toBe(true);
  });
});
