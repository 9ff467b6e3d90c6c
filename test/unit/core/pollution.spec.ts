import { afterEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { openClients } from '../../../lib/backends/redis/connection/client.js';
import { redis } from '../../../lib/backends/redis/redis.backend.js';
import { resolveTieredOptions } from '../../../lib/backends/tiered/options.js';
import { localBus } from '../../../lib/bus/local.bus.js';
import { resolveGuardOptions } from '../../../lib/backends/resilience/options.js';
import { resolveMemoryOptions } from '../../../lib/backends/memory/options.js';
import { resolveMongoOptions } from '../../../lib/backends/mongo/options.js';
import { resolveRedisOptions } from '../../../lib/backends/redis/options.js';
import { firstOf, fromClaims, fromHeader, fromSubdomain } from '../../../lib/context/scope-resolver.js';
import { ScopeTable } from '../../../lib/context/scope-table.js';
import { resolveLimits } from '../../../lib/core/limits.js';
import { createNaming } from '../../../lib/core/keys/naming.js';
import { ownOptions } from '../../../lib/core/own-options.js';
import { DEFAULT_POLICY, POLICY_OPTION_NAMES, resolvePolicy } from '../../../lib/core/policy.js';
import { NO_SCOPE, scopeOf } from '../../../lib/core/keys/scope.js';
import { keyFactoryOf, partId } from './support/key-factories.js';

/** As a dependency with a prototype pollution hole would leave the process. */
function pollute(properties: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(Object.prototype, name, { value, enumerable: true, configurable: true, writable: true });
  }
  polluted.push(...Object.keys(properties));
}

const polluted: string[] = [];

afterEach(() => {
  for (const name of polluted.splice(0)) Reflect.deleteProperty(Object.prototype, name);
});

describe('C35: what was polluted into Object.prototype does not become an option', () => {
  it('of a policy', () => {
    pollute(Object.fromEntries(POLICY_OPTION_NAMES.map((name) => [name, 'evil'])));
    expect(resolvePolicy(DEFAULT_POLICY, {}, 'defaults')).toEqual({ ...DEFAULT_POLICY });
    expect(resolvePolicy(DEFAULT_POLICY, { ttl: '5s' }, 'defaults').ttlMs).toBe(5_000);
  });

  it('of the limits', () => {
    const before = { ...resolveLimits({}) };
    pollute({
      maxValueBytes: 1,
      maxTtl: 1,
      maxFlights: 1,
      maxOutageLoads: 1,
      maxRefreshes: 1,
      lease: 1,
      maxLoad: 1,
      maxWait: 1,
    });
    expect({ ...resolveLimits({}) }).toEqual(before);
    expect({ ...resolveLimits() }).toEqual(before);
  });

  it('of two levels: no bus where there is to be none', () => {
    const options = { l1: memory(), l2: redis(), bus: false } as const;
    const before = { ...resolveTieredOptions(options) };
    pollute({ via: localBus(), heartbeat: '1m', maxUnvalidated: '1h' });
    expect({ ...resolveTieredOptions(options) }).toEqual(before);
  });

  it('of sockets: nobody else’s, and no sentinels', () => {
    const options = resolveRedisOptions({ host: '127.0.0.1', port: 1 });
    pollute({ Connector: class Evil {}, sentinels: [{ host: 'evil' }] });
    const [client] = openClients(options, Math.random);
    client?.on('error', () => undefined);
    client?.disconnect();
    expect((client as Redis).options.Connector?.name).toBe('ServerConnector');
  });

  it('of backends: no server of somebody else’s, no sharing of objects, no endless deadline', () => {
    const guard = { ...resolveGuardOptions({}, 'redis') };
    const own = { ...resolveMemoryOptions({}) };
    const { source: _, ...server } = resolveRedisOptions({ host: 'ours' });
    pollute({ isolate: 'none', maxEntries: 1, maxBytes: 1_024, timeout: '1h', longTimeout: '2h', failures: 1_000 });
    pollute({ pause: '1h', invalidationTimeout: '1h', maxRetries: 1, journal: 1, shards: 7, index: false });
    pollute({
      url: 'redis://evil.example',
      cluster: [{ host: 'evil' }],
      client: {},
      sentinels: [],
      requireOnBoot: true,
    });
    pollute({ password: 'x', tls: {}, host: 'evil', fallback: {}, maxConnections: 9, connectTimeout: 1, name: 'evil' });
    expect({ ...resolveGuardOptions({}, 'redis') }).toEqual(guard);
    expect({ ...resolveMemoryOptions({}) }).toEqual(own);
    const { source, ...resolved } = resolveRedisOptions({ host: 'ours' });
    expect({ ...resolved }).toEqual(server);
    expect([source.host, source.password, source.tls, source.fallback]).toEqual(['ours', ...Array(3).fill(undefined)]);
  });

  it('of backends: no database of somebody else’s, and none that is unsafe', () => {
    const own = { ...resolveMongoOptions({ uri: 'mongodb://ours' }) };
    pollute({ connection: { getClient: () => undefined }, database: 'evil', collection: 'evil', unsafe: true });
    pollute({ shards: 7, maxConnections: 9, clientOptions: { tls: false }, connectTimeout: 1, requireOnBoot: true });
    pollute({ fallback: {}, timeout: '1h', longTimeout: '2h', failures: 1_000, pause: '1h', journal: 1 });
    expect({ ...resolveMongoOptions({ uri: 'mongodb://ours' }) }).toEqual(own);
    expect(() => resolveMongoOptions({})).toThrow('mongo');
  });

  it('of names: no secret that somebody else knows, no other length, no class', () => {
    const before = partId(keyFactoryOf(), 'cat', 'x'.repeat(100));
    pollute({ hashSecret: 'a secret of the attacker', maxReadable: 16 });
    expect(createNaming().readable).toBe(true);
    expect(createNaming({}).readable).toBe(true);
    expect(partId(keyFactoryOf(), 'cat', 'x'.repeat(100))).toBe(before);
  });

  it('of resolvers: an untrusted header stays untrusted', () => {
    pollute({ trusted: true, base: 'evil.com', ignore: [], tenant: 'sub', user: 'sub' });
    expect(() => fromHeader('x-tenant', {} as never)).toThrow('scope.resolve: ');
    expect(() => fromClaims({})).toThrow('scope.resolve: ');
    const source = {
      transport: 'http',
      request: { hostname: 'www.acme.com', headers: {} },
      payload: undefined,
      execution: undefined,
    };
    expect(() => fromSubdomain({} as never)).toThrow('scope.resolve: ');
    expect(() => fromSubdomain({ host: 'x-tenant' } as never)).toThrow('scope.resolve: ');
    const below = fromSubdomain({ base: 'example.com' });
    expect(below(source)).toBeUndefined();
    pollute({ 'x-tenant': 'acme', 'x-forwarded-host': 'acme.example.com', host: 'acme.example.com' });
    expect(fromHeader('x-tenant', { trusted: true })(source)).toBeUndefined();
    expect(below({ ...source, request: { headers: {} } })).toBeUndefined();
    expect(fromSubdomain({ host: 'x-forwarded-host', trusted: true })(source)).toBeUndefined();
  });

  it('nor the scope of somebody who has none', () => {
    pollute({ tenant: 'acme', user: 'root' });
    expect(scopeOf({})).toBe(NO_SCOPE);
    expect(scopeOf({ user: 'bob' }).tenant).toBeUndefined();
    expect(scopeOf({ tenant: 'globex' }).user).toBeUndefined();
    expect(new ScopeTable().of({})).toBe(NO_SCOPE);
    expect(new ScopeTable().of({ tenant: 'globex' }).user).toBeUndefined();
    const found = { tenant: 'globex' };
    const source = { transport: 'http', request: {}, payload: undefined, execution: undefined };
    expect(
      firstOf(
        () => ({}),
        () => found,
      )(source),
    ).toBe(found);
  });

  it('nor part of a key', () => {
    const before = [{ a: 1 }, [1], new Map([['a', 1]])].map((value) => partId(keyFactoryOf(), value));
    pollute({ role: 'admin', 0: 'zero' });
    expect([{ a: 1 }, [1], new Map([['a', 1]])].map((value) => partId(keyFactoryOf(), value))).toEqual(before);
    // oxlint-disable-next-line no-sparse-arrays -- a hole is what is being tested
    expect(partId(keyFactoryOf(), [,])).toContain('[hole]');
  });
});

describe('options of one’s own', () => {
  it('are a copy without a prototype', () => {
    const options = { ttl: 5 };
    const own = ownOptions(options, 'defaults');
    expect({ ...own }).toEqual(options);
    expect(Object.getPrototypeOf(own)).toBeNull();
    expect({ ...ownOptions(undefined, 'defaults') }).toEqual({});
  });

  it.each([null, 'a', 1, true, [], () => 1])('%p are none', (options) => {
    expect(() => ownOptions(options as never, 'defaults')).toThrow('defaults: must be an object of options');
  });
});
