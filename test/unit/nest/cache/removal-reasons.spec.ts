/** Every removal tells what it was asked by, how many, how long, and why; never whose it was. */
import { Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  CacheConfigError,
  CacheEvict,
  Cacheable,
  type CacheEvent,
  type CacheEvictOptions,
  type CacheService,
  type ScopedCache,
} from '../../../../lib/index.js';
import { closeAll, start, type Started } from '../support/start.js';

afterEach(closeAll);

const REMOVALS: ReadonlySet<CacheEvent['type']> = new Set(['evict', 'invalidate', 'clear', 'everything-cleared']);

function told({ events }: Started): unknown[] {
  return events.events
    .filter(({ type }) => REMOVALS.has(type))
    .map((event) => {
      const { type, cause, removed, reason, durationMs } = event as Extract<CacheEvent, { type: 'evict' }>;
      expect(durationMs).toBeGreaterThanOrEqual(0);
      expect(JSON.stringify(event)).not.toContain('acme');
      return { type, cause, removed, reason };
    });
}

type Remove = (acme: ScopedCache, reason: string, cache: CacheService) => Promise<unknown>;

const VERBS: readonly (readonly [string, Remove, object])[] = [
  ['delete', (acme, reason) => acme.delete('cat', { reason }), { type: 'evict', cause: 'keys', removed: 1 }],
  ['deleteMany', (acme, reason) => acme.deleteMany(['cat'], { reason }), { type: 'evict', cause: 'keys', removed: 1 }],
  ['invalidate', (acme, reason) => acme.invalidate('c*', { reason }), { type: 'clear', cause: 'pattern', removed: 1 }],
  ['invalidateTags', (acme, reason) => acme.invalidateTags(['t'], { reason }), { type: 'invalidate', cause: 'tags' }],
  ['clear', (acme, reason) => acme.clear({ reason }), { type: 'clear', cause: 'clear', removed: 1 }],
  [
    'clearEverything',
    (_, reason, cache) => cache.clearEverything({ confirm: 'all tenants', reason }),
    { type: 'everything-cleared', cause: 'clear', removed: 1 },
  ],
];

describe.each(VERBS)('%s', (_, remove, event) => {
  it('A117: tells its cause, how many went, and the reason; the key is the same with and without one', async () => {
    const started = await start({});
    const acme = started.cache.tenant('acme');
    await acme.set('cat', 1, { tags: ['t'] });
    await remove(acme, 'cats were counted anew', started.cache);
    expect(await acme.get('cat')).toBeUndefined();
    expect(told(started)).toEqual([{ removed: undefined, ...event, reason: 'cats were counted anew' }]);
  });

  it('A117: refuses a reason that is no text, and removes nothing', async () => {
    const started = await start({});
    const acme = started.cache.tenant('acme');
    await acme.set('cat', 1, { tags: ['t'] });
    for (const wrong of [1, null, {}, Symbol('x')]) {
      const removing = remove(acme, wrong as string, started.cache);
      await expect(removing).rejects.toThrow(/^reason: must be a text, in a few words/);
      await expect(removing).rejects.toBeInstanceOf(CacheConfigError);
    }
    expect(await acme.get('cat')).toBe(1);
  });

  it('A117: tells a long reason of several lines as one short line', async () => {
    const started = await start({});
    await remove(started.cache.tenant('acme'), `one\r\n[Nest] two\u2028${'x'.repeat(300)}`, started.cache);
    const [{ reason }] = told(started) as [{ reason: string }];
    expect(reason).toMatch(/^one \[Nest\] two x+$/);
    expect(reason.length).toBeLessThanOrEqual(200);
  });
});

const OPTIONS: readonly (readonly [string, CacheEvictOptions, object])[] = [
  ['a key', { namespace: 'cats', key: 'tom' }, { type: 'evict', cause: 'keys' }],
  ['keys', { namespace: 'cats', keys: ['tom'] }, { type: 'evict', cause: 'keys' }],
  ['a method', { method: 'find', args: () => [] }, { type: 'evict', cause: 'keys' }],
  ['all of a method', { method: 'find', allEntries: true }, { type: 'clear', cause: 'clear' }],
  ['a pattern', { namespace: 'cats', pattern: '*' }, { type: 'clear', cause: 'pattern' }],
  ['tags', { tags: ['t'] }, { type: 'invalidate', cause: 'tags' }],
  ['all entries', { namespace: 'cats', allEntries: true, before: true }, { type: 'clear', cause: 'clear' }],
];

describe('@CacheEvict', () => {
  it.each(OPTIONS)('A117: by %s, tells its cause and the reason', async (_, options, event) => {
    @Injectable()
    class Cats {
      @Cacheable()
      async find(): Promise<number> {
        return 1;
      }

      @CacheEvict({ ...options, reason: 'cat renamed' } as unknown as { tags: [] })
      async rename(): Promise<void> {}
    }
    const started = await start({}, Cats);
    await started.as('acme', () => started.get(Cats).rename());
    expect(told(started)).toMatchObject([{ ...event, reason: 'cat renamed' }]);
  });

  it('A117: refuses a reason that is no text when the class is defined', () => {
    const wrong = { tags: ['t'], reason: () => 'x' } as unknown as { tags: [] };
    expect(() => {
      class Cats {
        @CacheEvict(wrong)
        async rename(): Promise<void> {}
      }
      return Cats;
    }).toThrow(/@CacheEvict Cats\.rename\.reason: must be a text/);
  });
});

describe('the log of what is verbose', () => {
  it('A117: has cause, number, time and reason in one line', async () => {
    const started = await start({ debug: true });
    const acme = started.cache.tenant('acme').namespace('cats');
    await acme.set('cat', 1);
    await acme.invalidate('c*', { reason: 'a\nb' });
    expect(started.log.lines.join('\n')).toMatch(/clear cats \(tenant\) by pattern, 1 entries, [\d.]+ ms: a b/);
  });
});
