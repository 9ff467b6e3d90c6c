import { afterEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { CacheConfigError, CacheModule, fromRequest, type CacheService } from '../../../../lib/index.js';
import { closeAll, start } from '../support/start.js';

afterEach(closeAll);

/** What is given to single calls by mistake, past the compiler. */
const TYPO = { ttll: '5s' } as never;

/** Each verb that takes options, and one that it has. */
const CALLS: Readonly<Record<string, readonly [string, (cache: CacheService, options: never) => Promise<unknown>]>> = {
  get: ['default', (cache, options) => cache.get('k', options)],
  getOrSet: ['ttl', (cache, options) => cache.getOrSet('k', () => 1, options)],
  set: ['ttl', (cache, options) => cache.set('k', 1, options)],
  setMany: ['ttl', (cache, options) => cache.setMany([['k', 1]], options)],
  'setMany of nothing': ['ttl', (cache, options) => cache.setMany([], options)],
  increment: ['ttl', (cache, options) => cache.increment('n', 1, options)],
  decrement: ['ttl', (cache, options) => cache.decrement('n', 1, options)],
  invalidateTags: ['match', (cache, options) => cache.invalidateTags(['t'], options)],
  'warm with a value': ['ttl', (cache, options) => cache.warm([{ key: 'k', value: 1, options }])],
  'warm with a loader': ['ttl', (cache, options) => cache.warm([{ key: 'k', load: () => 1, options }])],
  clearEverything: ['confirm', (cache, options) => cache.clearEverything(options)],
};

describe('an option of a call that nobody reads would be a wrong lifetime', () => {
  it.each(Object.entries(CALLS))('%s refuses it by its name', async (_, [known, call]) => {
    const { cache } = await start({});
    const error = await call(cache, TYPO).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CacheConfigError);
    expect((error as CacheConfigError).option).toBe('ttll');
    expect((error as Error).message).toMatch(
      new RegExp(`^ttll: is not an option; there are: (\\w+, )*${known}(, \\w+)*$`),
    );
  });

  it.each(Object.entries(CALLS))('%s refuses what is no object of options', async (_, [, call]) => {
    const { cache } = await start({});
    for (const given of ['5s', 5_000, null, ['5s']])
      await expect(call(cache, given as never)).rejects.toThrow('options: must be an object of options');
  });

  it('on a hit as on a miss, so that it shows at once', async () => {
    const { cache } = await start({});
    await cache.set('k', 'stored');
    await expect(cache.getOrSet('k', () => 'loaded', TYPO)).rejects.toThrow('ttll: is not an option');
  });

  it('and where the cache is bypassed', async () => {
    const { cache } = await start({ scope: { resolve: fromRequest(() => undefined), onMissing: 'bypass' } });
    await expect(cache.get('k', TYPO)).rejects.toThrow('ttll: is not an option');
    await expect(cache.getOrSet('k', () => 'loaded', TYPO)).rejects.toThrow('ttll: is not an option');
    await expect(cache.set('k', 1, TYPO)).rejects.toThrow('ttll: is not an option');
  });

  it('all that there are can be given, undefined too', async () => {
    const { cache } = await start({});
    const policy = {
      ttl: '5m',
      staleWhileRevalidate: '1m',
      staleIfError: '1m',
      softTimeout: '1s',
      hardTimeout: '2s',
      jitter: 0.1,
      earlyRefresh: true,
      negativeTtl: '1s',
      isolate: 'clone',
      level: 'l2',
      failSilently: false,
      tags: ['t'],
    } as const;
    expect(await cache.getOrSet('k', () => 1, policy)).toBe(1);
    await cache.set('k', 2, { ...policy, ttl: undefined, tags: undefined });
    expect(await cache.get('k', { default: undefined })).toBe(2);
    expect(await cache.increment('n', 1, { ttl: '1m', tags: ['t'] })).toBe(1);
    await cache.invalidateTags(['t'], { match: 'any' });
    expect(await cache.get('n')).toBeUndefined();
  });
});

describe('the list of what there is', () => {
  const messageOf = (act: () => unknown): string => {
    try {
      act();
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const after = (message: string): string[] => message.split('there are: ')[1]?.split(', ') ?? [];

  it('of forRoot names Nest’s own keys too, and each of them is accepted', () => {
    const names = after(messageOf(() => CacheModule.forRoot({ isGlobl: false } as never)));
    expect(names).toEqual(expect.arrayContaining(['backend', 'scope', 'debug', 'isGlobal', 'name', 'providers']));
    for (const name of names) expect(() => CacheModule.forRoot({ [name]: undefined })).not.toThrow();
  });

  it('of forRootAsync does as well', () => {
    const names = after(messageOf(() => CacheModule.forRootAsync({ isGlobl: false } as never)));
    expect(names).toEqual(expect.arrayContaining(['useFactory', 'inject', 'isGlobal', 'name', 'providers']));
  });

  it.each(['isGlobal', 'name', 'providers'])('%s from a factory comes too late, and that is said', async (name) => {
    const late = CacheModule.forRootAsync({ useFactory: () => ({ [name]: undefined }) });
    await expect(Test.createTestingModule({ imports: [late] }).compile()).rejects.toThrow(
      `${name}: stands beside useFactory`,
    );
  });
});
