import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type HintedError, ScopeInvalidError, ScopeMissingError } from '../../../../lib/core/errors.js';
import { isMissing, isNarrower, NO_SCOPE, scopeOf, WIDTHS, type Width } from '../../../../lib/core/keys/scope.js';
import { idOf, keyFactoryOf } from '../support/key-factories.js';
import { anyId } from '../support/words.js';
import { runs } from '../../../support/soak.js';

const missing = [undefined, null, '', ' ', '\t\n', '\u00a0', '\ufeff', '\u3000', NaN, 0, -0, false];

function thrownBy(work: () => unknown): HintedError {
  try {
    work();
  } catch (error) {
    return error as HintedError;
  }
  throw new Error('nothing was thrown');
}

describe('C1: ids that are missing', () => {
  it.each(missing)('%p is nobody, and never everybody', (id) => {
    expect(isMissing(id)).toBe(true);
    expect(scopeOf({ tenant: id, user: id })).toBe(NO_SCOPE);
    expect(() => scopeOf({ tenant: id, user: 'bob' }).at('tenant')).toThrow(ScopeMissingError);
    expect(() => scopeOf({ tenant: id, user: 'bob' }).at('user')).toThrow(ScopeMissingError);
    expect(() => scopeOf({ tenant: 'acme', user: id }).at('user')).toThrow(ScopeMissingError);
  });

  it('blanks of any kind and number are missing, and only they', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r', '\u00a0', '\u2028', 'a', '\u200b'), maxLength: 5 }),
        (id) => {
          return isMissing(id) === !/[a\u200b]/.test(id);
        },
      ),
      runs(1_000),
    );
  });

  it('no ids at all are nobody', () => {
    expect(scopeOf(undefined)).toBe(NO_SCOPE);
    expect(scopeOf(null)).toBe(NO_SCOPE);
    expect(scopeOf({})).toBe(NO_SCOPE);
  });

  it('the error says which id is missing and where, and what to do', () => {
    const missing = thrownBy(() => NO_SCOPE.at('tenant', 'Cats.findOne'));
    expect(missing.message).toBe('No tenant in the current scope.');
    expect(missing.hint).toMatch(/^\(Namespace "Cats.findOne".\) .*runInScope/);
    expect(missing.stack).toContain(`${missing.message} ${missing.hint}`);
    expect(Object.keys(missing)).not.toContain('hint');
    expect(() => scopeOf({ tenant: 'acme' }).at('user')).toThrow(/^No user in the current scope\.$/);
  });

  it('the error about an id that is no text says how to convert it', () => {
    const hintOf = (tenant: unknown): string => thrownBy(() => scopeOf({ tenant })).hint;
    expect(hintOf(7)).toContain("fromClaims({ tenant: '…', ids: 'number' })");
    expect(hintOf({ $oid: 'secret' })).toBe(
      "Say what in it is the id, fromClaims({ tenant: '….id' }), or convert it: fromRequest((request) => ({ tenant: String(…) })).",
    );
  });
});

describe('C2: ids that are no texts', () => {
  const noTexts: readonly (readonly [string, unknown])[] = [
    ['an object', { $ne: null }],
    ['an object that can be a text', { toString: () => 'acme' }],
    ['an array', ['acme']],
    ['an empty array', []],
    ['a Buffer', Buffer.from('acme')],
    ['a symbol', Symbol('acme')],
    ['a boxed text', new String('acme')],
    ['a number', 42],
    ['true', true],
    ['a bigint', 42n],
    ['zero as a bigint', 0n],
    ['a function', () => 'acme'],
    ['a date', new Date(0)],
    ['a regular expression', /acme/],
  ];

  it.each(noTexts)('%s is refused', (_, id) => {
    expect(() => scopeOf({ tenant: id })).toThrow(ScopeInvalidError);
    expect(() => scopeOf({ tenant: 'acme', user: id })).toThrow(ScopeInvalidError);
    expect(() => scopeOf({ tenant: id })).not.toThrow('acme');
  });
});

it('C7: lone surrogates are refused, because all of them become the same bytes', () => {
  for (const id of ['\ud800', '\ud801', '\udfff', 'acme\ud800', '\udc00\ud800']) {
    expect(() => scopeOf({ tenant: id })).toThrow(/^The tenant of a scope is not well-formed text/);
    expect(() => scopeOf({ tenant: 'acme', user: id })).toThrow(/^The user of a scope is not well-formed text/);
  }
  expect(Buffer.from('\ud800').equals(Buffer.from('\ud801'))).toBe(true);
});

it('C8: ids of more than 256 bytes are refused, however long', () => {
  expect(scopeOf({ tenant: 'x'.repeat(256) }).tenant).toHaveLength(256);
  expect(scopeOf({ tenant: '漢'.repeat(85) }).tenant).toHaveLength(85);
  for (const id of ['x'.repeat(257), '漢'.repeat(86), 'x'.repeat(1_000_000)]) {
    expect(() => scopeOf({ tenant: id })).toThrow('The tenant of a scope is longer than 256 bytes.');
  }
});

describe('a scope', () => {
  it('keeps ids letter by letter', () => {
    fc.assert(
      fc.property(anyId, anyId, (tenant, user) => {
        const scope = scopeOf({ tenant, user });
        return scope.tenant === tenant && scope.user === user;
      }),
      runs(2_000),
    );
  });

  it('cannot be changed', () => {
    const scope = scopeOf({ tenant: 'acme', user: 'bob' });
    expect(() => Object.assign(scope, { tenant: 'globex' })).toThrow(TypeError);
    expect(() => Object.assign(NO_SCOPE, { tenant: 'globex' })).toThrow(TypeError);
  });

  it('does not follow the object that it was made from', () => {
    const ids = { tenant: 'acme' };
    const scope = scopeOf(ids);
    ids.tenant = 'globex';
    expect(scope.tenant).toBe('acme');
  });

  it('is cut down to a width, and not made wider', () => {
    const scope = scopeOf({ tenant: 'acme', user: 'bob' });
    expect(scope.at('user')).toBe(scope);
    expect(scope.at('tenant')).toEqual(scopeOf({ tenant: 'acme' }));
    expect(scope.at('global')).toBe(NO_SCOPE);
  });

  it('takes ids that a class of the application inherits', () => {
    class Account {
      get tenant(): string {
        return 'acme';
      }
    }
    expect(scopeOf(new Account()).tenant).toBe('acme');
  });
});

describe('whether data of one space may flow into another', () => {
  const scopes = {
    alice: { tenant: 'acme', user: 'alice' },
    bob: { tenant: 'acme', user: 'bob' },
    eve: { tenant: 'globex', user: 'alice' },
    mallory: { tenant: 'globex', user: 'mallory' },
  };
  type Name = keyof typeof scopes;
  const space = (width: Width, of: Name): { scope: ReturnType<typeof scopeOf>; width: Width } => ({
    width,
    scope: scopeOf(scopes[of]).at(width),
  });

  /** May `inner` be read inside the loader of `outer`? */
  const table: readonly (readonly [Width, Name, Width, Name, 'flows' | 'narrower'])[] = [
    ['global', 'alice', 'global', 'alice', 'flows'],
    ['global', 'alice', 'tenant', 'alice', 'flows'],
    ['global', 'alice', 'user', 'alice', 'flows'],
    ['tenant', 'alice', 'global', 'alice', 'narrower'],
    ['tenant', 'alice', 'tenant', 'alice', 'flows'],
    ['tenant', 'alice', 'tenant', 'bob', 'flows'],
    ['tenant', 'alice', 'user', 'alice', 'flows'],
    ['tenant', 'alice', 'user', 'bob', 'flows'],
    ['tenant', 'alice', 'tenant', 'eve', 'narrower'],
    ['tenant', 'alice', 'user', 'eve', 'narrower'],
    ['user', 'alice', 'global', 'alice', 'narrower'],
    ['user', 'alice', 'tenant', 'alice', 'narrower'],
    ['user', 'alice', 'user', 'alice', 'flows'],
    ['user', 'alice', 'user', 'bob', 'narrower'],
    ['user', 'alice', 'tenant', 'eve', 'narrower'],
    // The same user id in another tenant is another user.
    ['user', 'alice', 'user', 'eve', 'narrower'],
  ];

  it.each(table)('%s entry of %s inside a %s entry of %s: %s', (inner, innerOf, outer, outerOf, answer) => {
    expect(isNarrower(space(inner, innerOf), space(outer, outerOf))).toBe(answer === 'narrower');
    // The width alone decides what of a scope counts, also where it was not cut down.
    const full = [
      { width: inner, scope: scopeOf(scopes[innerOf]) },
      { width: outer, scope: scopeOf(scopes[outerOf]) },
    ] as const;
    expect(isNarrower(...full)).toBe(answer === 'narrower');
  });

  it('yes exactly when everybody who may see the outer may see the inner', () => {
    const everyone = Object.values(scopes);
    const seenBy = ({ scope, width }: ReturnType<typeof space>): number[] =>
      everyone.flatMap(({ tenant, user }, index) => {
        const isSeen = width === 'global' || (tenant === scope.tenant && (width === 'tenant' || user === scope.user));
        return isSeen ? [index] : [];
      });
    for (const inner of WIDTHS) {
      for (const outer of WIDTHS) {
        for (const innerOf of Object.keys(scopes) as Name[]) {
          for (const outerOf of Object.keys(scopes) as Name[]) {
            const [from, into] = [space(inner, innerOf), space(outer, outerOf)];
            const mayFlow = seenBy(into).every((who) => seenBy(from).includes(who));
            expect([inner, innerOf, outer, outerOf, isNarrower(from, into)]).toEqual([
              inner,
              innerOf,
              outer,
              outerOf,
              !mayFlow,
            ]);
          }
        }
      }
    }
  });
});

it('two tenants never share an id, whatever their names', () => {
  const keyFactory = keyFactoryOf();
  fc.assert(
    fc.property(anyId, anyId, (a, b) => {
      const ids = [a, b].map((tenant) =>
        idOf(keyFactory, { tenant, user: 'bob', width: 'tenant', namespace: 'cats', parts: [1] }),
      );
      return (ids[0] === ids[1]) === (a === b);
    }),
    runs(5_000),
  );
});
