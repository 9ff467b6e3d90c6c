import { inspect } from 'node:util';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger, Injectable, type Provider, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { optionsFromEnvironment } from '../../../../lib/config.js';
import {
  type BackendFactory,
  Cacheable,
  CacheEvict,
  CacheModule,
  type CacheModuleOptions,
  CacheService,
  memory,
  tiered,
} from '../../../../lib/index.js';
import { mongo } from '../../../../lib/mongo.js';
import { redis } from '../../../../lib/redis.js';
import { chaos } from '../../../../lib/testing.js';
import { KeptLog } from '../../../e2e/support/quiet.js';

const SECRET = 'canary-secret-0123456789';
const KEY = Buffer.from('canary-encryption-key-0123456789');
const VALUE = 'canary-value-of-another-tenant';
/** A server that is not there: what a backend holds, it holds before it is connected. */
const NOWHERE = `127.0.0.1:1`;

const open: TestingModule[] = [];
afterEach(async () => {
  for (const module of open.splice(0)) await module.close();
});

@Injectable()
class Reports {
  constructor(readonly cache: CacheService) {}

  @Cacheable({ context: (tenant: string) => ({ tenant }) })
  async find(tenant: string): Promise<unknown> {
    return { tenant, text: VALUE };
  }

  @CacheEvict({ method: 'find', args: (tenant: string) => [tenant], context: (tenant: string) => ({ tenant }) })
  async forget(_tenant: string): Promise<void> {}
}

/** As deep as there is something, hidden or not, as texts of loggers and as JSON of others. */
function told(thing: unknown, customInspect = true): string {
  const json = JSON.stringify(thing, circles(), 1) ?? '';
  return `${inspect(thing, { depth: Infinity, showHidden: true, maxArrayLength: null, maxStringLength: null, customInspect })}${json}`;
}

/** What loggers do about circles. */
function circles(): (key: string, value: unknown) => unknown {
  const seen = new Set<unknown>();
  return (_, value) => {
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return undefined;
    seen.add(value);
    return value;
  };
}

function canariesIn(text: string): string[] {
  const bytes = [...KEY].map((byte) => byte.toString(16).padStart(2, '0'));
  const canaries = [SECRET, VALUE, String(KEY), KEY.toString('base64'), KEY.toString('hex'), bytes.join(' ')];
  return canaries.filter((canary) => text.includes(canary));
}

async function start(options: CacheModuleOptions, way: 'sync' | 'async' = 'sync', ...providers: Provider[]) {
  const imports = [
    way === 'sync' ? CacheModule.forRoot(options) : CacheModule.forRootAsync({ useFactory: async () => options }),
  ];
  const module = await Test.createTestingModule({ imports, providers: [Reports, ...providers] })
    .setLogger(new KeptLog())
    .compile();
  open.push(module);
  return module;
}

function hiding(backend: BackendFactory): CacheModuleOptions {
  return {
    backend,
    scope: { default: 'tenant', resolve: () => ({ tenant: 'acme' }) },
    keys: { hashSecret: SECRET },
    codec: { encryption: { keys: [{ id: 'a', secret: KEY.toString('base64') }] } },
  };
}

const BACKENDS: Readonly<Record<string, () => BackendFactory>> = {
  memory: () => memory(),
  'memory with quotas': () => memory({ quota: {} }),
  chaos: () => chaos(memory()),
  redis: () => redis({ url: `redis://user:${SECRET}@${NOWHERE}`, timeout: 50 }),
  'redis in parts': () => redis({ host: '127.0.0.1', port: 1, username: 'user', password: SECRET, timeout: 50 }),
  'redis with a fallback': () => redis({ url: `redis://:${SECRET}@${NOWHERE}`, timeout: 50, fallback: memory() }),
  mongo: () => mongo({ uri: `mongodb://user:${SECRET}@${NOWHERE}/cache`, timeout: 50 }),
  tiered: () => tiered({ l1: memory(), l2: redis({ url: `redis://:${SECRET}@${NOWHERE}`, timeout: 50 }) }),
};

describe.each(Object.entries(BACKENDS))('no secret and no value comes out of what is logged: %s', (_, backend) => {
  it.each(['sync', 'async'] as const)('whatever can be injected, options given %s', async (way) => {
    const module = await start(hiding(backend()), way);
    const reports = module.get(Reports);
    await Promise.all(['acme', 'globex'].map((tenant) => reports.find(tenant)));
    await module
      .get(CacheService)
      .tenant('globex')
      .set('x', VALUE)
      .catch(() => undefined);
    const found: Record<string, string[]> = {};
    let looked = 0;
    for (const { name, providers } of module.get(ModulesContainer, { strict: false }).values()) {
      if (!['CacheModule', 'CacheRegistryModule', 'RootTestModule'].includes(name)) continue;
      for (const [token, { instance }] of providers) {
        // The container itself leads to everything there is; its parts are what is looked at.
        if (instance == null || isOfNest(token)) continue;
        looked++;
        const canaries = canariesIn(told(instance));
        if (canaries.length > 0) found[String((token as Type).name ?? token)] = canaries;
      }
    }
    expect(found).toEqual({});
    expect(looked).toBeGreaterThan(10);
  });

  it('services, views, decorated classes and factories, also by inspection that asks nobody (console.dir)', async () => {
    const factory = backend();
    const module = await start(hiding(factory));
    const cache = module.get(CacheService);
    const reports = module.get(Reports);
    await reports.find('globex');
    const views = [
      cache,
      cache.tenant('globex'),
      cache.tenant('globex').user('ann'),
      cache.global(),
      cache.namespace('n'),
    ];
    for (const thing of [...views, reports, { deep: [{ reports }] }, [cache]]) {
      expect(canariesIn(told(thing, false))).toEqual([]);
    }
    expect(canariesIn(told(factory))).toEqual([]);
  });
});

describe('no secret comes out of', () => {
  it("what Nest's own logger writes about an object that holds the service", async () => {
    const module = await start(hiding(memory()));
    const reports = module.get(Reports);
    await reports.find('globex');
    let text = '';
    const write = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      text += String(chunk);
      return true;
    });
    try {
      for (const json of [true, false]) new ConsoleLogger({ json, depth: 20, compact: false }).log({ reports });
    } finally {
      write.mockRestore();
    }
    expect(text).toContain('Reports');
    expect(canariesIn(text)).toEqual([]);
  });

  it('options from the environment', async () => {
    for (const variables of [
      { CACHE_BACKEND: 'redis', CACHE_URL: `redis://:${SECRET}@${NOWHERE}` },
      { CACHE_BACKEND: 'redis', REDIS_HOST: '127.0.0.1', REDIS_PASSWORD: SECRET },
      { CACHE_BACKEND: 'mongo', MONGO_URL: `mongodb://user:${SECRET}@${NOWHERE}` },
      { CACHE_BACKEND: 'tiered', CACHE_L2: 'redis', CACHE_URL: `redis://:${SECRET}@${NOWHERE}` },
    ]) {
      expect(canariesIn(told(await optionsFromEnvironment(variables, { redis, mongo }), false))).toEqual([]);
    }
  });

  it('errors, with all that they carry', async () => {
    for (const backend of [BACKENDS['redis'], BACKENDS['mongo'], BACKENDS['tiered']]) {
      const cache = (await start(hiding(backend!()))).get(CacheService).tenant('globex');
      const fails = [cache.set('x', VALUE), cache.delete('x'), cache.clear(), cache.set('x', [() => VALUE])];
      for (const outcome of await Promise.allSettled(fails)) {
        const error: unknown = outcome.status === 'rejected' ? outcome.reason : undefined;
        expect(error).toBeInstanceOf(Error);
        expect(canariesIn(`${told(error, false)}${(error as Error).stack}`)).toEqual([]);
      }
    }
  });
});

/** Providers that Nest puts into every module. */
function isOfNest(token: unknown): boolean {
  const name = typeof token === 'function' ? token.name : '';
  return ['ModuleRef', 'ApplicationConfig', 'ModulesContainer', 'HttpAdapterHost', 'Reflector'].includes(name);
}
