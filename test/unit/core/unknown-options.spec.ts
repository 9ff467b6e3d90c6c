import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { optionsFromEnvironment } from '../../../lib/config.js';
import {
  CacheConfigError,
  CacheModule,
  fromClaims,
  fromHeader,
  fromSubdomain,
  tiered,
  Cacheable,
  CacheConfig,
  CacheEvict,
  CachePut,
} from '../../../lib/index.js';
import { resolveCodecOptions } from '../../../lib/codec/codec.options.js';
import { resolveSettings } from '../../../lib/nest/cache.settings.js';
import { warm } from '../../../lib/nest/cache/warm.js';
import { CacheTestingModule, chaos, FakeClock } from '../../../lib/testing.js';
import { mongo } from '../../../lib/mongo.js';
import { redis, redisBus } from '../../../lib/redis.js';
import { backendParts } from '../../support/machine/backends.js';

const TYPO = { typo: 1 } as never;
const QUIET = { warn: () => undefined } as never;

function decorated(decorator: MethodDecorator): unknown {
  class Cats {
    find(): Promise<string> {
      return Promise.resolve('Tom');
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Cats.prototype, 'find') as PropertyDescriptor;
  return decorator(Cats.prototype, 'find', descriptor);
}

/** What is given options, and what its author reads in the error. */
const GIVEN: Readonly<Record<string, () => unknown>> = {
  'memory.typo': () => memory(TYPO).create(backendParts({ clock: new FakeClock() })),
  'memory.quota.typo': () => memory({ quota: TYPO }).create(backendParts({ clock: new FakeClock() })),
  'redis.typo': () => redis(TYPO),
  'redisBus.typo': () => redisBus(TYPO),
  'mongo.typo': () => mongo(TYPO),
  'tiered.typo': () => tiered(TYPO),
  'tiered.bus.typo': () => tiered({ l1: memory(), l2: redis({}), bus: TYPO }),
  'chaos.typo': () => chaos(memory(), TYPO),
  'chaos.operations.typo': () => chaos(memory(), { operations: { typo: {} } as never }),
  'chaos.operations.fill.typo': () => chaos(memory(), { operations: { fill: TYPO } }),
  'FakeClock.typo': () => new FakeClock(TYPO),
  'scope.resolve.typo': () => fromClaims({ tenant: 'org', ...(TYPO as object) }),
  'scope.resolve.typo (a header)': () => fromHeader('x-tenant', { trusted: true, ...(TYPO as object) }),
  'scope.resolve.typo (a host)': () => fromSubdomain(TYPO as never),
  typo: () => resolveSettings(TYPO, QUIET),
  'scope.typo': () => resolveSettings({ scope: TYPO }, QUIET),
  'keys.typo': () => resolveSettings({ keys: TYPO }, QUIET),
  'limits.typo': () => resolveSettings({ limits: TYPO }, QUIET),
  'defaults.typo': () => resolveSettings({ defaults: TYPO }, QUIET),
  'namespaces.cats.typo': () => resolveSettings({ namespaces: { cats: TYPO } }, QUIET),
  'codec.typo': () => resolveSettings({ codec: TYPO }, QUIET),
  'codec.compression.typo': () => resolveCodecOptions({ compression: TYPO }),
  'codec.encryption.typo': () => resolveCodecOptions({ encryption: TYPO }),
  'typo (of forRoot)': () => CacheModule.forRoot(TYPO),
  'typo (of forTest)': () => CacheTestingModule.forTest(TYPO),
  'forRootAsync.typo': () => CacheModule.forRootAsync(TYPO),
  'cacheConfigWith.typo': () => optionsFromEnvironment({}, TYPO),
  'warm.typo': () => warm({} as never, [], TYPO),
  'entries.typo': () => warm({ isClosing: () => false } as never, [{ key: 'tom', value: 1, ...(TYPO as object) }]),
  '@Cacheable Cats.find.typo': () => decorated(Cacheable(TYPO)),
  '@CachePut Cats.find.typo': () => decorated(CachePut(TYPO)),
  '@CacheEvict Cats.find.typo': () => decorated(CacheEvict(TYPO) as never),
  '@CacheConfig Cats.typo': () => CacheConfig(TYPO)(class Cats {}),
};

describe('an option that nobody reads is refused by its name', () => {
  it.each(Object.entries(GIVEN))('%s', async (title, give) => {
    const [option = ''] = title.split(' (');
    const error = await Promise.resolve()
      .then(give)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CacheConfigError);
    expect([(error as CacheConfigError).option, (error as Error).message]).toEqual([
      option,
      expect.stringMatching(/ is not an option; there are: \w+/),
    ]);
  });
});

describe('chaos that cannot be', () => {
  it.each([
    ['throwRate', { throwRate: 2 }, 'must be a share from 0 to 1'],
    ['dropRate', { dropRate: NaN }, 'must be a share from 0 to 1'],
    ['delayMs', { delayMs: [5, 1] as const }, 'must be [min, max], in milliseconds'],
    ['delayMs', { delayMs: 5 as never }, 'must be [min, max], in milliseconds'],
    ['turns', { turns: -1 }, 'must be a whole number'],
    ['operations.fill.throwRate', { operations: { fill: { throwRate: -1 } } }, 'must be a share from 0 to 1'],
    ['seed', { seed: 0.5 }, 'must be a whole number'],
  ])('is refused by its name: %s', (name, options, problem) => {
    expect(() => chaos(memory(), options)).toThrow(`chaos.${name}: ${problem}`);
  });
});
