import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ScopeTable } from '../../../lib/context/scope-table.js';
import { ScopeInvalidError } from '../../../lib/core/errors.js';
import { NO_SCOPE, scopeOf } from '../../../lib/core/keys/scope.js';
import { anyId } from '../core/support/words.js';
import { runs } from '../../support/soak.js';

/** How many scopes it holds: those of tenants, and those of users. */
function sizesOf(table: ScopeTable): readonly number[] {
  const { tenants, users } = table as unknown as Record<
    'tenants' | 'users',
    Record<'young' | 'old', Map<string, unknown>>
  >;
  return [tenants, users].map(({ young, old }) => young.size + old.size);
}

describe('the table of scopes', () => {
  it('has one scope for a tenant and user, and never one for two', () => {
    const table = new ScopeTable();
    fc.assert(
      fc.property(anyId, anyId, anyId, anyId, (tenant, user, otherTenant, otherUser) => {
        const scope = table.of({ tenant, user });
        const other = table.of({ tenant: otherTenant, user: otherUser });
        return (
          table.of({ tenant, user }) === scope &&
          scope.tenant === tenant &&
          scope.user === user &&
          (scope === other) === (tenant === otherTenant && user === otherUser) &&
          table.of({ tenant }).user === undefined
        );
      }),
      runs(5_000),
    );
  });

  it('C4: does not let the border between tenant and user move', () => {
    const table = new ScopeTable();
    const pairs = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['1\0a', 'b'],
      ['1', '\0ab'],
      ['a\0b', 'c'],
      ['a', 'b\0c'],
      ['a', '\0b\0c'],
      ['12', '2\0ab'],
      ['1', '22\0ab'],
    ];
    const scopes = pairs.map(([tenant, user]) => table.of({ tenant, user }));
    expect(scopes.map(({ tenant, user }) => [tenant, user])).toEqual(pairs);
    expect(new Set(scopes).size).toBe(pairs.length);
    // A tenant that looks like the name of a pair.
    expect(table.of({ tenant: '1\0ab' }).user).toBeUndefined();
  });

  it('C9: knows tenants by names that every object has', () => {
    const table = new ScopeTable();
    for (const tenant of ['__proto__', 'constructor', 'hasOwnProperty', 'size']) {
      expect(table.of({ tenant })).toEqual(scopeOf({ tenant }));
      expect(table.of({ tenant, user: tenant })).toEqual(scopeOf({ tenant, user: tenant }));
    }
  });

  it('takes null for the user of an anonymous request, at no extra cost', () => {
    const table = new ScopeTable();
    expect(table.of({ tenant: 'acme', user: null })).toBe(table.of({ tenant: 'acme' }));
  });

  it('keeps nothing for the empty scope', () => {
    const table = new ScopeTable();
    for (const ids of [undefined, null, {}, { tenant: '' }, { tenant: ' ', user: '' }, { user: undefined }])
      expect(table.of(ids)).toBe(NO_SCOPE);
    expect(sizesOf(table)).toEqual([0, 0]);
  });

  it('keeps nothing that is refused', () => {
    const table = new ScopeTable();
    for (const ids of [
      { tenant: 42 },
      { tenant: ['acme'] },
      { tenant: '\ud800' },
      { tenant: 'x'.repeat(1_000) },
      { tenant: 'acme', user: {} },
      { tenant: 'acme', user: '\ud800' },
    ]) {
      expect(() => table.of(ids)).toThrow(ScopeInvalidError);
    }
    expect(sizesOf(table)).toEqual([0, 0]);
  });

  it('is bounded, and what it has forgotten is the same again', () => {
    const table = new ScopeTable();
    const first = table.of({ tenant: 'tenant0', user: 'bob' });
    for (let index = 1; index <= 25_000; index++) {
      table.of({ tenant: `tenant${index}`, user: 'bob' });
      table.of({ tenant: `tenant${index}` });
    }
    for (const size of sizesOf(table)) expect(size).toBeLessThanOrEqual(10_000);
    const again = table.of({ tenant: 'tenant0', user: 'bob' });
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });

  it('C21: keeps the scope of a tenant at work while others come by the thousand', () => {
    const table = new ScopeTable();
    const acme = table.of({ tenant: 'acme' });
    const isKept: boolean[] = [];
    for (let index = 0; index < 25_000; index++) {
      table.of({ tenant: `tenant${index}` });
      if (index % 1_000 === 0) isKept.push(table.of({ tenant: 'acme' }) === acme);
    }
    expect(new Set(isKept)).toEqual(new Set([true]));
  });
});
