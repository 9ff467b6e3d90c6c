/** What a loader is told of data that fewer people may see, by whichever verb, keeps its result from being stored. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { type CacheService, memory, QuotaExceededError, type ScopedCache } from '../../../lib/index.js';
import { closeAll, start, type Started } from './support/start.js';

afterEach(closeAll);

type Verb = (acme: ScopedCache, cache: CacheService) => unknown;

async function loaded(started: Started, verb: Verb, outer = started.cache.global()): Promise<void> {
  const { cache } = started;
  const acme = cache.tenant('acme');
  await acme.set('cat', 1);
  await outer.namespace('outer').getOrSet('what it told', async () => {
    const told = await verb(acme, cache);
    return typeof told === 'object' ? 'an object' : (told ?? 'nothing');
  });
}

describe('inside a loader for everybody, what a verb tells of a tenant keeps the result from being stored', () => {
  it.each<[string, Verb]>([
    ['get', (acme) => acme.get('cat')],
    ['getMany', (acme) => acme.getMany(['cat'])],
    ['has', (acme) => acme.has('cat')],
    ['ttl', (acme) => acme.ttl('cat')],
    ['delete', (acme) => acme.delete('cat')],
    ['delete of what is not there', (acme) => acme.delete('dog')],
    ['deleteMany', (acme) => acme.deleteMany(['cat', 'dog'])],
    ['expire', (acme) => acme.expire('cat', '5m')],
    ['increment', (acme) => acme.increment('count')],
    ['decrement', (acme) => acme.decrement('count')],
    ['invalidate', (acme) => acme.invalidate('c*')],
    ['clear', (acme) => acme.clear()],
    ['clear of a namespace', (acme) => acme.namespace('cats').clear()],
    ['stats', (acme) => acme.stats()],
    ['keys', (acme) => acme.keys().next()],
    ['warm', (acme) => acme.warm([{ key: 'cat', load: () => 2 }])],
    ['info', (acme) => acme.info()],
    ['info, whoever is asked for', (_, cache) => cache.global().info()],
    ['totals', (_, cache) => cache.totals()],
    ['clearEverything', (_, cache) => cache.clearEverything({ confirm: 'all tenants' })],
  ])('%s', async (_, verb) => {
    const started = await start({});
    await loaded(started, verb);
    expect(started.events.of('refused')).toMatchObject([{ reason: 'tainted', namespace: 'outer' }]);
    expect(await started.cache.global().namespace('outer').has('what it told')).toBe(false);
  });

  it('set, when it fails: that a tenant has reached its quota, say', async () => {
    const quota = { maxBytes: 1_024, onExceeded: 'reject' } as const;
    const started = await start({ backend: memory({ quota }) });
    await loaded(started, (acme) =>
      acme.set('large', 'x'.repeat(5_000)).catch((error: unknown) => error instanceof QuotaExceededError),
    );
    expect(started.events.of('refused')).toMatchObject([{ reason: 'tainted', namespace: 'outer' }]);
  });
});

describe('and the result is stored', () => {
  it.each<[string, Verb]>([
    ['set', (acme) => acme.set('dog', 2)],
    ['setMany', (acme) => acme.setMany([['dog', 2]])],
    ['invalidateTags', (acme) => acme.invalidateTags(['cats'])],
    ['warm with values', (acme) => acme.warm([{ key: 'dog', value: 2 }])],
    ['ping', (acme) => acme.ping()],
  ])('after %s, which tells nothing', async (_, verb) => {
    const started = await start({});
    await loaded(started, verb);
    expect(started.events.of('refused')).toEqual([]);
  });

  it.each<[string, Verb]>([
    ['delete', (acme) => acme.delete('cat')],
    ['stats', (acme) => acme.stats()],
    ['expire', (acme) => acme.expire('cat', '5m')],
  ])('of a tenant’s loader, that was told of the same tenant by %s', async (_, verb) => {
    const started = await start({});
    await loaded(started, verb, started.cache.tenant('acme'));
    expect(started.events.of('refused')).toEqual([]);
  });
});
