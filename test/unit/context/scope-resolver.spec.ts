import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  firstOf,
  fromClaims,
  fromHeader,
  fromRequest,
  fromSubdomain,
  type FoundScope,
  type ScopeResolver,
  type ScopeSource,
} from '../../../lib/context/scope-resolver.js';
import { CacheConfigError } from '../../../lib/core/errors.js';
import { NO_SCOPE, scopeOf } from '../../../lib/core/keys/scope.js';
import { runs } from '../../support/soak.js';

function sourceOf(request: unknown): ScopeSource {
  return { transport: 'http', request, payload: undefined, execution: undefined };
}

/** What a resolver finds, as the scope that would be made of it. */
async function find(resolver: ScopeResolver, request: unknown): Promise<{ tenant?: string; user?: string }> {
  const { tenant, user } = scopeOf(await resolver(sourceOf(request)));
  return { ...(tenant === undefined ? {} : { tenant }), ...(user === undefined ? {} : { user }) };
}

const NOT_REQUESTS = [undefined, null, 0, 'request', {}, [], Object.create(null)];

describe('fromRequest', () => {
  const resolver = fromRequest<{ account: { id: string } }>(({ account }) => ({ tenant: account.id }));

  it('calls a function of the application', async () => {
    expect(await find(resolver, { account: { id: 'acme' } })).toEqual({ tenant: 'acme' });
    expect(
      await find(
        fromRequest(async () => ({ tenant: 'acme', user: 'bob' })),
        {},
      ),
    ).toEqual({ tenant: 'acme', user: 'bob' });
  });

  it('gets the transport too', async () => {
    const byTransport = fromRequest((_, { transport }) => ({ tenant: transport }));
    expect(await find(byTransport, {})).toEqual({ tenant: 'http' });
  });

  it('finds no scope where there is no request', async () => {
    expect(await find(resolver, undefined)).toEqual({});
    expect(await find(resolver, null)).toEqual({});
  });

  it('lets the error of the application through', () => {
    const failing = fromRequest(() => {
      throw new Error('no such account');
    });
    expect(() => failing(sourceOf({}))).toThrow('no such account');
  });

  it('refuses anything but a function', () => {
    for (const read of [undefined, null, 'tenant', {}])
      expect(() => fromRequest(read as never)).toThrow(CacheConfigError);
  });
});

describe('fromClaims', () => {
  const resolver = fromClaims({ tenant: 'org.id', user: 'sub' });

  it('finds claims by their names, also deeper ones', async () => {
    expect(await find(resolver, { user: { sub: 'bob', org: { id: 'acme' } } })).toEqual({
      tenant: 'acme',
      user: 'bob',
    });
    expect(await find(resolver, { user: { sub: 'bob', org: {} } })).toEqual({ user: 'bob' });
    expect(await find(fromClaims({ tenant: 'tid' }), { user: { tid: 'acme', sub: 'bob' } })).toEqual({
      tenant: 'acme',
    });
  });

  it('finds a claim that has dots in its own name', async () => {
    const name = 'https://example.com/tenant.id';
    expect(await find(fromClaims({ tenant: name }), { user: { [name]: 'acme' } })).toEqual({ tenant: 'acme' });
    expect(await find(resolver, { user: { 'org.id': 'acme', org: { id: 'globex' } } })).toEqual({ tenant: 'acme' });
  });

  it.each([
    'constructor',
    '__proto__',
    'toString',
    'constructor.name',
    '__proto__.constructor.name',
    'org.constructor.name',
    'org.__proto__.id',
    'org.length',
  ])('takes no property that every object has for a claim: %s', async (claim) => {
    const inherited = Object.create({ id: 'evil' }) as object;
    for (const user of [{}, { org: {} }, { org: 'acme' }, { org: inherited }, inherited]) {
      expect(await find(fromClaims({ tenant: claim, user: claim }), { user })).toEqual({});
    }
  });

  it('takes one that the token really has', async () => {
    const user: unknown = JSON.parse('{"__proto__":"acme","org":{"constructor":"bob"}}');
    expect(await find(fromClaims({ tenant: '__proto__', user: 'org.constructor' }), { user })).toEqual({
      tenant: 'acme',
      user: 'bob',
    });
  });

  it('finds no scope without a user, or without a request', async () => {
    for (const request of [...NOT_REQUESTS, { user: null }, { user: 'bob' }, { user: ['bob'] }])
      expect(await find(resolver, request)).toEqual({});
  });

  it('passes on what is no text, which is then refused', () => {
    expect(() => scopeOf(resolver(sourceOf({ user: { org: { id: 42 } } })) as FoundScope)).toThrow('must be a string');
    expect(() => scopeOf(resolver(sourceOf({ user: { org: { id: ['acme'] } } })) as FoundScope)).toThrow(
      'must be a string',
    );
  });

  it.each([{}, { tenant: '' }, { tenant: 5 }, { user: {} }, null, undefined, 'sub'])(
    'refuses %p as claims',
    (claims) => {
      expect(() => fromClaims(claims as never)).toThrow(CacheConfigError);
    },
  );
});

describe('fromHeader', () => {
  const resolver = fromHeader('X-Tenant-Id', { trusted: true });

  it('C17: needs `trusted: true` for the header', () => {
    for (const options of [undefined, null, {}, { trusted: false }, { trusted: 'true' }, { trusted: 1 }]) {
      expect(() => fromHeader('X-Tenant-Id', options as never)).toThrow(CacheConfigError);
    }
    expect(() => fromHeader('X-Tenant-Id', {} as never)).toThrow(
      "fromHeader('X-Tenant-Id') must say { trusted: true }",
    );
  });

  it('reads the header, whatever its case', async () => {
    expect(await find(resolver, { headers: { 'x-tenant-id': 'acme' } })).toEqual({ tenant: 'acme' });
  });

  it('reads it from the request that opened a WebSocket', async () => {
    expect(await find(resolver, { handshake: { headers: { 'x-tenant-id': 'acme' } } })).toEqual({ tenant: 'acme' });
    expect(await find(resolver, { upgradeReq: { headers: { 'x-tenant-id': 'acme' } } })).toEqual({ tenant: 'acme' });
  });

  it('finds no tenant when it is there twice', async () => {
    // As Node hands it out, joined; and as other servers do, as a list.
    for (const value of ['acme, globex', 'acme,acme', ['acme', 'globex'], ['acme'], [], ',']) {
      expect(await find(resolver, { headers: { 'x-tenant-id': value } })).toEqual({});
    }
  });

  it('finds no tenant where there is no such header', async () => {
    for (const request of [...NOT_REQUESTS, { headers: {} }, { headers: null }, { headers: 'x-tenant-id: acme' }])
      expect(await find(resolver, request)).toEqual({});
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(await find(fromHeader(name, { trusted: true }), { headers: {} })).toEqual({});
    }
  });

  it.each(['', 'x tenant', 'x:tenant', 'x\ntenant', undefined, null, 5])('refuses %p as a name', (name) => {
    expect(() => fromHeader(name as string, { trusted: true })).toThrow(CacheConfigError);
  });
});

describe('fromSubdomain', () => {
  const any = fromSubdomain({ host: 'x-forwarded-host', trusted: true });
  const below = fromSubdomain({ base: 'Example.com', ignore: ['www', 'API'] });

  it.each<readonly [string, string | undefined, string | undefined]>([
    // host, without a base where a proxy says it, below example.com
    ['acme.example.com', 'acme', 'acme'],
    ['acme.example.com:3000', 'acme', 'acme'],
    ['ACME.Example.COM', 'acme', 'acme'],
    ['acme.example.com.', 'acme', 'acme'],
    ['acme.example.com.:3000', 'acme', 'acme'],
    ['xn--mnchen-3ya.example.com', 'xn--mnchen-3ya', 'xn--mnchen-3ya'],
    ['acme_2.example.com', 'acme_2', 'acme_2'],
    ['www.example.com', undefined, undefined],
    ['api.example.com', 'api', undefined],
    ['example.com', undefined, undefined],
    ['example.com.', undefined, undefined],
    ['com', undefined, undefined],
    ['localhost', undefined, undefined],
    ['localhost:3000', undefined, undefined],
    ['a.b.example.com', undefined, undefined],
    ['acme.example.com.evil.com', undefined, undefined],
    ['acme.evil.com', 'acme', undefined],
    ['acme.notexample.com', 'acme', undefined],
    ['acmeexample.com', undefined, undefined],
    ['127.0.0.1', undefined, undefined],
    ['127.0.0.1:3000', undefined, undefined],
    ['10.0.1', undefined, undefined],
    ['acme.1.1', undefined, undefined],
    ['[::1]', undefined, undefined],
    ['[::1]:3000', undefined, undefined],
    ['[2001:db8::1]:3000', undefined, undefined],
    ['::1', undefined, undefined],
    ['::ffff:127.0.0.1', undefined, undefined],
    ['2001:db8::1', undefined, undefined],
    ['.example.com', undefined, undefined],
    ['..example.com', undefined, undefined],
    ['acme..com', undefined, undefined],
    ['-acme.example.com', undefined, undefined],
    ['acme-.example.com', undefined, undefined],
    ['ac me.example.com', undefined, undefined],
    ['acme/../globex.example.com', undefined, undefined],
    ['acme\0.example.com', undefined, undefined],
    ['*.example.com', undefined, undefined],
    ['ä.example.com', undefined, undefined],
    [`${'x'.repeat(63)}.example.com`, 'x'.repeat(63), 'x'.repeat(63)],
    [`${'x'.repeat(64)}.example.com`, undefined, undefined],
    [`${'x.'.repeat(200)}example.com`, undefined, undefined],
    ['', undefined, undefined],
    [':3000', undefined, undefined],
  ])('%p: %p, and %p below example.com', async (host, label, labelBelow) => {
    const headers = { 'x-forwarded-host': host };
    for (const request of [{ headers, hostname: 'app.example.com' }, { handshake: { headers } }])
      expect((await find(any, request)).tenant).toBe(label);
    for (const request of [{ hostname: host }, { headers: { host } }, { handshake: { headers: { host } } }]) {
      expect(await find(any, request)).toEqual({});
      expect((await find(below, request)).tenant).toBe(labelBelow);
    }
  });

  it('finds one label below the base, or no tenant', () => {
    const hosts = fc.string({
      unit: fc.constantFrom('a', 'B', '1', '.', '-', ':', '[', ']', 'example.com', 'com'),
      maxLength: 8,
    });
    fc.assert(
      fc.property(hosts, (hostname) => {
        const found = below(sourceOf({ hostname })) as { tenant: string } | undefined;
        return (
          found === undefined ||
          (/^[a-z0-9-]+$/.test(found.tenant) && hostname.toLowerCase().startsWith(`${found.tenant}.example.com`))
        );
      }),
      runs(5_000),
    );
  });

  it('finds no tenant where there is no host', async () => {
    for (const request of [...NOT_REQUESTS, { hostname: 5 }, { headers: { host: ['acme.example.com'] } }])
      for (const resolver of [any, below]) expect(await find(resolver, request)).toEqual({});
  });

  it('behind a proxy that rewrites Host finds no tenant, instead of one for all', async () => {
    const request = {
      hostname: 'app.platform.com',
      headers: { host: 'app.platform.com', 'x-forwarded-host': 'acme.example.com' },
    };
    expect(await find(below, request)).toEqual({});
    expect(() => fromSubdomain(undefined as never)).toThrow(
      /\{ base: 'example.com' \}.*\{ host: 'x-forwarded-host', trusted: true \}/,
    );
    expect(() => fromSubdomain({ ignore: [] } as never)).toThrow(CacheConfigError);
  });

  it('accepts the host that a trusted proxy passes on, and nothing else', async () => {
    const behind = fromSubdomain({ base: 'example.com', host: 'X-Forwarded-Host', trusted: true });
    const requestFrom = (forwarded: unknown): object => ({
      hostname: 'globex.example.com',
      headers: { host: 'globex.example.com', ...(forwarded === undefined ? {} : { 'x-forwarded-host': forwarded }) },
    });
    expect(await find(behind, requestFrom('ACME.example.com:443'))).toEqual({ tenant: 'acme' });
    for (const forwarded of [
      undefined,
      '',
      'acme.example.com, proxy.example.com',
      ['acme.example.com'],
      'acme.evil.com',
      5,
    ])
      expect(await find(behind, requestFrom(forwarded))).toEqual({});
  });

  it('takes any label when none is to be ignored', async () => {
    expect(await find(fromSubdomain({ base: 'example.com', ignore: [] }), { hostname: 'www.example.com' })).toEqual({
      tenant: 'www',
    });
    expect(await find(fromSubdomain({ base: 'localhost' }), { hostname: 'acme.localhost' })).toEqual({
      tenant: 'acme',
    });
  });

  it.each([
    { base: '' },
    { base: '.example.com' },
    { base: 'http://example.com' },
    { base: 'example.com:3000' },
    { base: 5 },
    { base: 'example.com', ignore: 'www' },
    { base: 'example.com', ignore: 5 },
    {},
    { base: undefined },
    { trusted: true },
    { base: 'example.com', trusted: true },
    { host: 'x-forwarded-host' },
    { base: 'example.com', host: 'x-forwarded-host' },
    { host: 'x-forwarded-host', trusted: 'true' },
    { host: 'x forwarded', trusted: true },
    { host: 5, trusted: true },
    { host: 'Forwarded', trusted: true },
    null,
    'example.com',
  ])('refuses %p as options', (options) => {
    expect(() => fromSubdomain(options as never)).toThrow(CacheConfigError);
  });
});

describe('firstOf', () => {
  const answers =
    (found: unknown): ScopeResolver =>
    () =>
      found as FoundScope;

  it('takes the first answer that has a tenant, as a whole', async () => {
    const both = firstOf(answers({ tenant: 'acme' }), answers({ tenant: 'globex', user: 'bob' }));
    expect(await find(both, {})).toEqual({ tenant: 'acme' });
  });

  it('never makes a pair of two answers', async () => {
    expect(await find(firstOf(answers({ user: 'root' }), answers({ tenant: 'acme' })), {})).toEqual({ tenant: 'acme' });
    expect(await find(firstOf(answers({ tenant: '', user: 'root' }), answers({ tenant: 'acme' })), {})).toEqual({
      tenant: 'acme',
    });
    expect(await find(firstOf(answers({ tenant: 'acme' }), answers({ user: 'root' })), {})).toEqual({ tenant: 'acme' });
  });

  it.each([
    undefined,
    null,
    {},
    { tenant: undefined },
    { tenant: null },
    { tenant: '' },
    { tenant: '  ' },
    { tenant: 0 },
    { tenant: NaN },
    { tenant: false },
  ])('goes on after %p', async (nothing) => {
    expect(await find(firstOf(answers(nothing), answers({ tenant: 'acme' })), {})).toEqual({ tenant: 'acme' });
  });

  it('does not go on after something that is refused as a tenant', () => {
    const found = firstOf(answers({ tenant: ['evil'] }), answers({ tenant: 'acme' }))(sourceOf({}));
    expect(() => scopeOf(found as FoundScope)).toThrow('must be a string');
  });

  it('waits for promises and for whatever else can be waited for', async () => {
    // oxlint-disable-next-line unicorn/no-thenable -- the query of a database library is one
    const query = { then: (done: (found: FoundScope) => void) => done({ tenant: 'acme' }) };
    expect(await find(firstOf(answers(query), answers({ tenant: 'globex' })), {})).toEqual({ tenant: 'acme' });
    expect(
      await find(firstOf(answers(Promise.resolve(undefined)), answers(Promise.resolve({ tenant: 'acme' }))), {}),
    ).toEqual({ tenant: 'acme' });
  });

  it('answers at once when all of its resolvers do', () => {
    expect(firstOf(answers(null), answers({ tenant: 'acme' }))(sourceOf({}))).toEqual({ tenant: 'acme' });
  });

  it('calls no further resolver once it has found a tenant', () => {
    const untouched = (): never => {
      throw new Error('called');
    };
    expect(firstOf(answers({ tenant: 'acme' }), untouched)(sourceOf({}))).toEqual({ tenant: 'acme' });
  });

  it('lets an error through, and calls no other resolver instead', async () => {
    const failing = (): never => {
      throw new Error('token expired');
    };
    expect(() => firstOf(failing, answers({ tenant: 'acme' }))(sourceOf({}))).toThrow('token expired');
    const later = firstOf(async () => failing(), answers({ tenant: 'acme' }))(sourceOf({}));
    await expect(later).rejects.toThrow('token expired');
  });

  it('finds no tenant when no resolver does', () => {
    expect(scopeOf(firstOf(answers(undefined), answers({}))(sourceOf({})) as FoundScope)).toBe(NO_SCOPE);
  });

  it('refuses an empty list and what is no resolver', () => {
    expect(() => firstOf()).toThrow(CacheConfigError);
    expect(() => firstOf(answers({}), undefined as never)).toThrow(CacheConfigError);
  });
});

describe('resolvers that cannot work', () => {
  it.each<[string, () => unknown, string]>([
    ['fromRequest', () => fromRequest(undefined as never), '(request) => ({ tenant, user })'],
    ['fromClaims', () => fromClaims(undefined as never), "{ tenant: 'org', user: 'sub' }"],
    ['fromClaims', () => fromClaims({ tenant: 5 as never }), "{ tenant: 'org', user: 'sub' }"],
    ['fromHeader', () => fromHeader('' as never, { trusted: true }), "'x-tenant'"],
    ['fromHeader', () => fromHeader('x-tenant', undefined as never), '{ trusted: true }'],
    ['fromSubdomain', () => fromSubdomain(undefined as never), "{ base: 'example.com' }"],
    ['firstOf', () => firstOf(), "fromClaims({ tenant: 'org', user: 'sub' })"],
    ['firstOf', () => firstOf({} as never), "fromClaims({ tenant: 'org', user: 'sub' })"],
  ])('say what to write: %s', (name, make, words) => {
    expect(make).toThrow(`scope.resolve: ${name}`);
    expect(make).toThrow(words);
  });
});
