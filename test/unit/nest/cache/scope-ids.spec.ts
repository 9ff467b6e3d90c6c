import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, start } from '../support/start.js';

afterEach(closeAll);

/** Ids as an application has them: read from a token, by a class of its own. */
class Principal {
  constructor(private readonly claims: { readonly org: string; readonly sub?: string }) {}

  get tenant(): string {
    return this.claims.org;
  }

  get user(): string | undefined {
    return this.claims.sub;
  }
}

describe('a view for ids that come from a class', () => {
  it('is the user’s, as it is for the same ids in a plain object', async () => {
    const { cache } = await start({});
    await cache.for(new Principal({ org: 'acme', sub: 'ann' })).set('draft', 'of ann');
    expect(await cache.for({ tenant: 'acme', user: 'ann' }).get('draft')).toBe('of ann');
    expect(await cache.for(new Principal({ org: 'acme', sub: 'bob' })).get('draft')).toBeUndefined();
    expect(await cache.tenant('acme').get('draft')).toBeUndefined();
  });

  it('throws when the user is not there: it does not become the whole tenant', async () => {
    const { cache } = await start({});
    expect(() => cache.for(new Principal({ org: 'acme' }))).toThrow(
      expect.objectContaining({ code: 'CACHE_SCOPE_MISSING' }),
    );
  });
});
