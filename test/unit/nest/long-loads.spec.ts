/** Where `maxLoad` and `maxWait` are said: for the module, a namespace, a class, a method, a call. */
import { afterEach, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cacheable, CacheConfig, CacheConfigError, CachePut, type CallOptions } from '../../../lib/index.js';
import { closeAll, start } from './support/start.js';

afterEach(closeAll);

const FIVE_SECONDS_MS = 5_000;

@Injectable()
@CacheConfig({ namespace: 'cats', maxLoad: '4s' })
class Cats {
  wait: () => Promise<void> = async () => undefined;

  @Cacheable({ namespace: 'of-the-namespace' })
  async ofTheClass(): Promise<string> {
    await this.wait();
    return 'Tom';
  }

  @Cacheable({ maxLoad: '10s', maxWait: '1m' })
  async ofTheMethod(): Promise<string> {
    await this.wait();
    return 'Tom';
  }

  @CachePut({ maxLoad: '3s' })
  async put(): Promise<string> {
    await this.wait();
    return 'Tom';
  }
}

const beginning = (): { readonly promise: Promise<void>; end(): void } => {
  let end = (): void => undefined;
  return { promise: new Promise((resolve) => (end = resolve)), end: () => end() };
};

it.each([
  ['the limits', { limits: { maxLoad: '5s' } }, undefined],
  ['the defaults', { defaults: { maxLoad: '5s' }, limits: { maxLoad: '1s' } }, undefined],
  ['a namespace', { namespaces: { dogs: { maxLoad: '5s' } }, defaults: { maxLoad: '1s' } }, undefined],
  ['a call', { namespaces: { dogs: { maxLoad: '1s' } } }, { maxLoad: '5s' }],
] as const)(
  'A81: maxLoad of %s is the one that counts for getOrSet',
  async (_, options, said?: CallOptions<string>) => {
    const { cache, clock, events } = await start(options);
    for (const [forMs, refused] of [
      [FIVE_SECONDS_MS - 100, 0],
      [FIVE_SECONDS_MS + 100, 1],
    ] as const) {
      const load = beginning();
      const asked = cache.namespace('dogs').getOrSet(`for ${forMs}`, () => load.promise.then(() => 'Spike'), said);
      await clock.advance(forMs);
      load.end();
      expect(await asked).toBe('Spike');
      expect(events.of('refused').filter(({ reason }) => reason === 'loader-too-long')).toHaveLength(refused);
    }
  },
);

it.each([
  ['ofTheClass', 4_000],
  ['ofTheMethod', 10_000],
  ['put', 3_000],
] as const)('A81: a decorated method has that of its options, else of its class (%s)', async (method, mostMs) => {
  const { clock, events, get } = await start({ limits: { maxLoad: '1s' } }, Cats);
  const cats = get(Cats);
  for (const [forMs, refused] of [
    [mostMs + 100, 1],
    [mostMs - 100, 1],
  ] as const) {
    const load = beginning();
    cats.wait = () => load.promise;
    const asked = cats[method]();
    await clock.advance(forMs);
    load.end();
    expect(await asked).toBe('Tom');
    expect(events.of('refused')).toHaveLength(refused);
  }
});

it('A81: what cannot work is refused by its name, at the start and in a call', async () => {
  const refused = { name: CacheConfigError.name };
  await expect(start({ defaults: { maxWait: 0 } })).rejects.toMatchObject({ ...refused, option: 'defaults.maxWait' });
  const namespaces = { cats: { maxLoad: null as never } };
  await expect(start({ namespaces })).rejects.toMatchObject({ ...refused, option: 'namespaces.cats.maxLoad' });
  await expect(start({ limits: { closeTimeout: '2 s' as never } })).rejects.toMatchObject({
    ...refused,
    option: 'limits.closeTimeout',
  });
  const { cache } = await start({});
  const asked = cache.getOrSet('tom', () => 'Tom', { maxWait: '10' as never });
  await expect(asked).rejects.toMatchObject({ ...refused, option: 'maxWait' });
});
