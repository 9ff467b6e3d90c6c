/** A bare number is milliseconds. One that was probably meant as seconds is told of wherever a ttl can stand, once for each place. */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Provider } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { Cacheable, CacheConfig, CachePut, memory } from '../../../lib/index.js';
import { optionsFromEnvironment } from '../../../lib/nest/env/cache.config.js';
import { answer, as, cacheOf, classOf, closeAll, decorated, find, none, SECRET, type SetUp } from './support/set-up.js';

afterEach(closeAll);

@CacheConfig({ ttl: 60 })
class Dogs {
  @Cacheable()
  async find(id: string): Promise<string> {
    return id;
  }
  @CachePut({ key: 'k' })
  async put(id: string): Promise<string> {
    return id;
  }
}

const put =
  (options: unknown): (() => Provider[]) =>
  () => [classOf(CachePut(options as never))];

/** One that is called twice: each place is told of once. */
const call = (work: (cache: ReturnType<typeof cacheOf>, key: string) => unknown): SetUp => [
  none,
  undefined,
  async (module: TestingModule) => {
    await work(cacheOf(module), SECRET);
    await work(cacheOf(module), `${SECRET} too`);
  },
];

type Row = readonly [where: string, says: RegExp, ...set: SetUp];

const WRITTEN: readonly Row[] = [
  ['defaults', /^warn defaults\.ttl is 300 milliseconds/, as({ defaults: { ttl: 300 } })],
  ['an hour', /^warn defaults\.ttl is 3600 milliseconds/, as({ defaults: { ttl: 3_600 } })],
  ['negativeTtl', /^warn defaults\.negativeTtl is 30 milliseconds/, as({ defaults: { negativeTtl: 30 } })],
  [
    'staleWhileRevalidate',
    /^warn defaults\.staleWhileRevalidate is 60 milliseconds/,
    as({ defaults: { staleWhileRevalidate: 60 } }),
  ],
  ['staleIfError', /^warn defaults\.staleIfError is 7200 milliseconds/, as({ defaults: { staleIfError: 7_200 } })],
  ['a namespace', /^warn namespaces\.cats\.ttl is 90 milliseconds/, as({ namespaces: { cats: { ttl: 90 } } })],
  ['limits', /^warn limits\.maxTtl is 86400 milliseconds/, as({ limits: { maxTtl: 86_400 } })],
  ['the longest load', /^warn limits\.maxLoad is 120 milliseconds/, as({ limits: { maxLoad: 120 } })],
  ['a class', /^warn @CacheConfig of Dogs\.ttl is 60 milliseconds/, none, () => [Dogs]],
  ['a method', /^warn Cats\.find\.ttl is 1800 milliseconds/, none, decorated(1_800)],
  ['its options', /^warn Cats\.find\.ttl is 1800 milliseconds/, none, decorated({ ttl: 1_800 })],
  ['@CachePut', /^warn Cats\.find\.ttl is 45 milliseconds/, none, put(45)],
  ['set', inCall(86_400), ...call((cache, key) => cache.set(key, SECRET, { ttl: 86_400 }))],
  ['setMany', inCall(60), ...call((cache, key) => cache.setMany([[key, SECRET]], { ttl: 60 }))],
  ['getOrSet', inCall(600), ...call((cache, key) => cache.getOrSet(key, () => SECRET, { ttl: 600 }))],
  ['increment', inCall(60), ...call((cache, key) => cache.increment(key, 1, { ttl: 60 }))],
  ['decrement', inCall(60), ...call((cache, key) => cache.decrement(key, 1, { ttl: 60 }))],
  ['expire', inCall(7_200), ...call((cache, key) => cache.expire(key, 7_200))],
  ['warm, a value', inCall(30), ...call((cache, key) => cache.warm([{ key, value: SECRET, options: { ttl: 30 } }]))],
  [
    'warm, a loader',
    inCall(30),
    ...call((cache, key) => cache.warm([{ key, load: () => SECRET, options: { ttl: 30 } }])),
  ],
];

const COMPUTED: readonly Row[] = [
  ['a function of a method', /^warn Cats\.find\.ttl is given/, none, decorated({ ttl: () => 60 }), find],
  ['a function of @CachePut', /^warn Cats\.find\.ttl is given/, none, put({ ttl: () => 60 }), find],
  [
    'a function in defaults',
    /^warn defaults\.ttl is given/,
    as({ defaults: { ttl: () => 60 } }),
    undefined,
    (module: TestingModule) => cacheOf(module).set(SECRET, SECRET),
  ],
  [
    'a function in a call',
    /^warn ttl of a call in namespace "default" is given/,
    ...call((cache, key) => cache.set(key, SECRET, { ttl: () => 60 })),
  ],
  [
    'ttl() of a loader',
    /^warn ttl\(\) of a loader in namespace "tokens" is given/,
    ...call((cache, key) => cache.namespace('tokens').getOrSet(key, ({ ttl }) => (ttl(3_599), SECRET))),
  ],
  [
    'ttl() of a loader that warms',
    /^warn ttl\(\) of a loader in namespace "default" is given/,
    ...call((cache, key) => cache.warm([{ key, load: ({ ttl }) => (ttl(60), SECRET) }])),
  ],
];

function inCall(seconds: number): RegExp {
  return new RegExp(`^warn ttl of a call in namespace "default" is ${seconds} milliseconds`);
}

describe('seconds taken for milliseconds are told of, with what to write', () => {
  it.each(WRITTEN)('%s', async (_, says, ...set) => {
    const { when, text } = await answer(...set);
    expect([when, text]).toEqual(['warning', expect.stringMatching(says)]);
    const seconds = /is (\d+) milliseconds/.exec(text)?.[1];
    expect(text).toContain(`if seconds were meant, write '${seconds}s' (or '${seconds}ms' to keep it)`);
    expect(text.split('\n')).toHaveLength(1);
    expect(text).not.toContain(SECRET);
  });

  it.each(COMPUTED)('%s, without the number', async (_, says, ...set) => {
    const { when, text } = await answer(...set);
    expect([when, text]).toEqual(['warning', expect.stringMatching(says)]);
    expect(text).toContain("if seconds were meant, give a text: '60s' (or '60ms' to keep it)");
    expect(text.split('\n')).toHaveLength(1);
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain('3599');
  });

  it('once for each namespace', async () => {
    const { text } = await answer(none, undefined, async (module) => {
      for (const name of ['a', 'b', 'a'])
        await cacheOf(module)
          .namespace(name)
          .getOrSet(`${name} ${Math.random()}`, ({ ttl }) => (ttl(60), 1));
    });
    expect(text.match(/namespace "\w"/g)).toEqual(['namespace "a"', 'namespace "b"']);
  });
});

describe('nothing is said', () => {
  it.each([
    ['whole seconds', { ttl: 60_000, negativeTtl: 1_000 }],
    ['texts with a unit', { ttl: '300ms', staleIfError: '90s' }],
    ['no expiry', { ttl: null }],
    ['timeouts and waits', { softTimeout: 300, hardTimeout: 800, maxWait: 250 }],
  ])('of %s', async (_, defaults) => {
    expect(await answer(as({ defaults, backend: memory() }))).toEqual({ when: 'warning', text: '' });
  });

  it('of a loader that says whole seconds, or takes back what it said', async () => {
    const { text } = await answer(none, undefined, async (module) => {
      await cacheOf(module).getOrSet('a', ({ ttl }) => (ttl(60_000), 1));
      await cacheOf(module).getOrSet('b', ({ ttl }) => (ttl(60), ttl('60s'), 1));
    });
    expect(text).toBe('');
  });

  it('of the environment, where a bare number is refused or known to be seconds', async () => {
    const refused = await answer(() => optionsFromEnvironment({ CACHE_DEFAULT_TTL: '300' }));
    expect(refused).toEqual({
      when: 'options',
      text: expect.stringMatching(/CACHE_DEFAULT_TTL: needs a unit: '250ms'/),
    });
    const { defaults } = await optionsFromEnvironment({ REDIS_DEFAULT_TTL: '300' });
    expect(defaults).toEqual({ ttl: 300_000 });
  });
});
