import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { mongo } from '../../../lib/mongo.js';
import { redis } from '../../../lib/redis.js';
import {
  Cacheable,
  CacheModule,
  type CacheModuleOptions,
  CacheService,
  firstOf,
  fromClaims,
  fromHeader,
  fromRequest,
  fromSubdomain,
  memory,
  ScopeMissingError,
  tiered,
  type ScopeResolver,
} from '../../../lib/index.js';
import { addressIn } from '../../../lib/backends/remote/address.js';
import { optionsFromEnvironment } from '../../../lib/nest/env/cache.config.js';
import { nameOfResolver, missedBy } from '../../../lib/context/resolver-notes.js';
import { KeptLog } from '../../e2e/support/quiet.js';

const open: TestingModule[] = [];
afterEach(async () => {
  for (const module of open.splice(0)) await module.close();
});

const SECRET = 'hunter2';

@Injectable()
class Cats {
  @Cacheable({ scope: 'tenant', context: (id: string) => ({ tenant: id === 'none' ? '' : id }) })
  async ofOrder(id: string): Promise<string> {
    return id;
  }
}

async function started(options: CacheModuleOptions): Promise<{ module: TestingModule; lines: string[] }> {
  const log = new KeptLog();
  const module = await Test.createTestingModule({ imports: [CacheModule.forRoot(options)], providers: [Cats] })
    .setLogger(log)
    .compile();
  open.push(module);
  await module.init();
  return { module, lines: log.of('Cache') };
}

describe('the line at the start', () => {
  it('says backend, prefix, resolver and width, once', async () => {
    const resolve = fromClaims({ tenant: 'org', user: 'sub' });
    expect((await started({ scope: { resolve } })).lines).toEqual([
      "log backend: memory; prefix: cache; scope.resolve: fromClaims({ tenant: 'org', user: 'sub' }); scope.default: tenant [Cache]",
    ]);
    expect((await started({ prefix: 'other' })).lines).toEqual([
      'log backend: memory; prefix: other; scope.resolve: none (scopes are said by runInScope); scope.default: global [Cache]',
    ]);
    expect((await started({ enabled: false })).lines).toEqual([expect.stringContaining('enabled: false')]);
  });

  it('says where servers are, and which levels there are, without a credential', async () => {
    const abouts = [
      redis({ url: `rediss://user:${SECRET}@cache-1:6380/3?password=${SECRET}` }),
      redis({ host: 'cache-1', password: SECRET, fallback: memory() }),
      redis({ cluster: [{ host: 'a', port: 1 }, 7000, `redis://:${SECRET}@b:2`, 'c'] }),
      redis({ sentinels: [{ host: 's', port: 5 }], name: 'main', password: SECRET }),
      mongo({ uri: `mongodb://user:${SECRET}@one:27017,two/app?tlsCertificateKeyFilePassword=${SECRET}` }),
      tiered({ l1: memory(), l2: redis({ url: 'redis://cache-1' }) }),
    ].map(({ about }) => about);
    expect(abouts).toEqual([
      'redis at cache-1:6380/3',
      'redis at cache-1:6379 (while it is away: memory)',
      'redis at cluster of a:1, 127.0.0.1:7000, b:2, …',
      'redis at main of sentinels s:5',
      'mongo at one:27017,two',
      'memory over redis at cache-1',
    ]);
    const { backend } = await optionsFromEnvironment(
      { CACHE_BACKEND: 'redis', REDIS_URL: `redis://:${SECRET}@h:1` },
      { redis },
    );
    expect(backend?.about).toBe('redis at h:1');
  });

  it('says no address where a part of it may be a password', () => {
    for (const url of [
      `mongodb://u:${SECRET}/x@h`,
      `mongodb://u:${SECRET}?x@h`,
      `mongodb://u:a@${SECRET}@h`,
      `mongodb://h/?p=a@${SECRET}`,
    ])
      expect(addressIn(url) ?? '').not.toContain(SECRET);
  });
});

describe('a call without a tenant', () => {
  const user = { sub: 'ann', orgId: SECRET, 'mail@of.ann': 1, org: { key: SECRET } };
  class Document {
    get account(): string {
      return SECRET;
    }
    method(): void {}
  }
  const asked = (resolver: ScopeResolver, request: unknown, part: 'tenant' | 'user' = 'tenant'): string => {
    const said = missedBy(resolver, { request }, part);
    expect(said).not.toContain(SECRET);
    return said;
  };

  it('says which claim was looked for and which there are, names only', () => {
    const org = fromClaims({ tenant: 'tenantId' });
    expect(asked(org, { user })).toBe(
      'fromClaims({ tenant: \'tenantId\' }) looked for "tenantId" in request.user: it has sub, orgId, org',
    );
    expect(asked(org, { user: { ...user, tenantId: undefined } })).toContain(
      'request.user: "tenantId" is there and undefined',
    );
    expect(asked(fromClaims({ tenant: 'org.id' }), { user: { org: { id: undefined } } })).toContain(
      'in "org" "id" is there and undefined',
    );
    expect(asked(org, {})).toContain('request.user, which is not set: no guard has run before this call');
    expect(asked(org, { user: new Document() })).toContain('it has account');
    expect(asked(org, { user: SECRET })).toContain('it is a string');
    expect(asked(fromClaims({ tenant: 'org.id' }), { user })).toContain('in "org" it has key');
    expect(asked(fromClaims({ tenant: 'sub' }), { user: { sub: '' } })).toContain('it is empty');
    expect(asked(org, { user }, 'user')).toContain("names no claim for the user: add user: '…'");
  });

  it('says which header, host and resolvers were looked at', () => {
    const header = fromHeader('x-tenant', { trusted: true });
    expect(asked(header, { headers: { host: SECRET } })).toBe("fromHeader('x-tenant'): no such header, it has host");
    expect(asked(header, { headers: { 'x-tenant': '' } })).toContain('empty, or there twice');
    const domain = fromSubdomain({ base: 'example.com' });
    expect(asked(domain, { headers: { host: SECRET } })).toContain('the host in Host is not one label and example.com');
    expect(asked(firstOf(header, domain), { headers: {} })).toMatch(/x-tenant.*; fromSubdomain/);
    expect(nameOfResolver(firstOf(header, () => undefined))).toBe(
      "firstOf(fromHeader('x-tenant'), a function of the application)",
    );
    expect(
      missedBy(
        fromRequest(() => undefined),
        { request: {} },
        'tenant',
        { tenantId: SECRET },
      ),
    ).toBe('scope.resolve answered without a tenant: it has tenantId. It has to return { tenant }');
  });

  it('says that no request surrounds it, and what to do in jobs and in fields of GraphQL; the message says none of it', async () => {
    const { module } = await started({ scope: { resolve: fromClaims({ tenant: 'org' }) } });
    const failure = await module
      .get(CacheService)
      .get('x')
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ScopeMissingError);
    const { message, hint, stack } = failure as ScopeMissingError;
    expect(message).toBe('No tenant in the current scope.');
    expect(hint).toMatch(/No request surrounds this call.*runInScope.*fieldResolverEnhancers: \['interceptors'\]/);
    expect(stack).toContain(hint);
  });

  it('says that it is the context option that gave none', async () => {
    const { module } = await started({ scope: { resolve: fromClaims({ tenant: 'org' }) } });
    await expect(module.get(Cats).ofOrder('none')).rejects.toMatchObject({
      hint: '(Namespace "Cats.ofOrder".) `context` of Cats.ofOrder returned none.',
    });
    expect(await module.get(Cats).ofOrder('acme')).toBe('acme');
  });
});

describe('claims', () => {
  const found = (claims: Parameters<typeof fromClaims>[0], user: unknown): unknown =>
    fromClaims(claims)({ transport: 'http', request: { user }, payload: undefined, execution: undefined });

  it('behind getters of a class are read; methods and what all objects have are none', () => {
    class Base {
      get org(): string {
        return 'acme';
      }
    }
    class Person extends Base {
      readonly id = 7;
      sub(): string {
        return 'ann';
      }
    }
    expect(found({ tenant: 'org', user: 'sub' }, new Person())).toEqual({ tenant: 'acme', user: undefined });
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
      expect(found({ tenant: name }, new Person())).toEqual({ tenant: undefined, user: undefined });
  });

  it('that are numbers count where it is said', () => {
    const ids = 'number';
    expect(found({ tenant: 'org', ids }, { org: 7 })).toEqual({ tenant: '7', user: undefined });
    expect(found({ tenant: 'org', user: 'sub', ids }, { org: '7', sub: 8n })).toEqual({ tenant: '7', user: '8' });
    for (const org of [0, -1, 1.5, NaN, 2 ** 60, 0n])
      expect(found({ tenant: 'org', ids }, { org })).toMatchObject({ tenant: org });
    expect(found({ tenant: 'org' }, { org: 7 })).toMatchObject({ tenant: 7 });
    expect(() => fromClaims({ tenant: 'org', ids: 'numbers' as never })).toThrow("ids must be 'text' or 'number'");
  });
});
