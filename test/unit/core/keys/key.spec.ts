import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CacheConfigError, KeyInvalidError, ScopeMissingError, TagInvalidError } from '../../../../lib/core/errors.js';
import { checkNamespace, originOf, partsOf, visibleKey } from '../../../../lib/core/keys/key.js';
import { NO_SCOPE, scopeOf, WIDTHS, type Width } from '../../../../lib/core/keys/scope.js';
import { idOf, keyFactoryOf, partId, type Said } from '../support/key-factories.js';
import { sameParts } from '../support/same.js';
import { anyId, anyNamespace, HOSTILE_WORDS } from '../support/words.js';
import { runs, soaking } from '../../../support/soak.js';
import { partitionOfId, type Partition } from '../../../../lib/core/keys/partition.js';

const keyFactory = keyFactoryOf();
const hashed = keyFactoryOf({ hashSecret: 'a secret of more than sixteen bytes' });
const factories = [
  ['readable', keyFactory],
  ['hashed', hashed],
] as const;

const anySaid: fc.Arbitrary<Said> = fc.record({
  tenant: anyId,
  user: anyId,
  width: fc.constantFrom<Width>(...WIDTHS),
  namespace: anyNamespace,
  version: fc.constantFrom(undefined, '1', '2', 'a', 'a.b', '@'.codePointAt(0)!.toString()),
  parts: fc.array(fc.oneof(anyId, fc.constantFrom<unknown>(1, '1', null, undefined, true)), { maxLength: 2 }),
});

/** Two that differ in one word, in the border between two words, or not at all. */
const almost = fc.tuple(anySaid, anySaid, fc.nat(7)).map(([a, other, way]): readonly [Said, Said] => {
  const ways: Partial<Said>[] = [
    {},
    { tenant: other.tenant },
    { user: other.user },
    { width: other.width },
    { namespace: other.namespace },
    { version: other.version },
    { parts: other.parts },
    { tenant: a.user, user: a.tenant },
  ];
  return [a, { ...a, ...ways[way] }];
});

/** What an id has to tell apart: only what its width looks at. */
function isSame(a: Said, b: Said): boolean {
  return (
    a.width === b.width &&
    (a.width === 'global' || a.tenant === b.tenant) &&
    (a.width !== 'user' || a.user === b.user) &&
    a.namespace === b.namespace &&
    a.version === b.version &&
    sameParts(a.parts, b.parts)
  );
}

describe('an id says for whom, of what kind and which one, and no two say the same', () => {
  it.each(factories)('%s: almost equal keys', (name, each) => {
    fc.assert(
      fc.property(almost, ([a, b]) => (idOf(each, a) === idOf(each, b)) === isSame(a, b)),
      runs(name === 'readable' ? 20_000 : 5_000),
    );
  });

  it.each(factories)('%s: any two keys', (name, each) => {
    fc.assert(
      fc.property(anySaid, anySaid, (a, b) => (idOf(each, a) === idOf(each, b)) === isSame(a, b)),
      runs(name === 'readable' ? 10_000 : 3_000),
    );
  });

  it.each(factories)('%s: the words do not run into each other', (_, each) => {
    const ids = [
      { tenant: 'a', user: 'b.c' },
      { tenant: 'a.b', user: 'c' },
      { tenant: 'a%2Eb', user: 'c' },
      { tenant: 'a', user: 'b', namespace: 'c/x' },
      { tenant: 'a', user: 'b/c', namespace: 'x' },
      { tenant: 'a', user: 'b', namespace: 'c.x' },
    ].map((said) => idOf(each, { width: 'user', namespace: 'x', parts: [1], ...said }));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('an id is one line of a fixed alphabet, whatever it is made of', () => {
    fc.assert(
      fc.property(
        anySaid,
        (said) => /^[\w.:@%#'=;,/+[\]{}()-]+$/.test(idOf(keyFactory, said)) && /^[\w./#@-]+$/.test(idOf(hashed, said)),
      ),
      runs(5_000),
    );
  });
});

describe('C3: hostile names of tenants', () => {
  const tenants = HOSTILE_WORDS.filter((word) => word.trim() !== '');

  it.each(factories)('%s: every one is a tenant of its own, at every width', (_, each) => {
    for (const width of ['tenant', 'user'] as const) {
      const said = (tenant: string): Said => ({ tenant, user: 'bob', width, namespace: 'cats', parts: [1] });
      const ids = new Set(tenants.map((tenant) => idOf(each, said(tenant))));
      expect(ids.size).toBe(new Set(tenants).size);
    }
  });

  it.each(factories)('%s: every one has a partition, a view and labels of its own', (_, each) => {
    const views = tenants.map((tenant) => each.view(scopeOf({ tenant }), 'tenant', undefined));
    expect(new Set(views.map(({ partition }) => partition)).size).toBe(new Set(tenants).size);
    for (const { partition } of views) expect(partition).toMatch(/^t\.[\w%-]+$/);
  });

  it('none of them reaches the entries of another by a prefix of its id', () => {
    const prefixes = tenants.map((tenant) => keyFactory.space(scopeOf({ tenant }), 'tenant', 'cats').idPrefix);
    for (const [at, prefix] of prefixes.entries()) {
      const others = prefixes.filter((other, index) => tenants[index] !== tenants[at] && other.startsWith(prefix));
      expect(others).toEqual([]);
    }
  });
});

describe('tenants and users of other names are other tenants and users', () => {
  const distinct = (ids: readonly string[]): number =>
    new Set(
      ids.map((tenant) => idOf(keyFactory, { tenant, user: 'bob', width: 'user', namespace: 'cats', parts: [1] })),
    ).size;

  it('C4: the border between tenant and user cannot be moved', () => {
    fc.assert(
      fc.property(anyId, anyId, fc.constantFrom(':', '.', '/', '|', ',', '%2E', ''), (a, b, mark) => {
        const left = { tenant: a, user: `${b}${mark}c` };
        const right = { tenant: `${a}${mark}${b}`, user: 'c' };
        const ids = [left, right].map((ids) => idOf(keyFactory, { ...ids, width: 'user', namespace: 'n', parts: [] }));
        return ids[0] !== ids[1];
      }),
      runs(5_000),
    );
  });

  it('C5: by case, also of letters whose case is special', () => {
    const ids = ['Acme', 'acme', 'ACME', 'İ', 'i̇', 'i', 'I', 'ı', 'K', '\u212A', 'k', 'ß', 'ss', 'ẞ', 'SS'];
    expect(distinct(ids)).toBe(ids.length);
  });

  it('C6: by normalisation, joiners, directions and letters that cannot be seen', () => {
    const ids = [
      '\u00e9',
      'e\u0301',
      '👨‍👩‍👧',
      '👨👩👧',
      'ab',
      '\u202Eab',
      'a\u200Bb',
      'a\u200Db',
      '\u2066ab',
      'a\u00ADb',
      'ﬁ',
      'fi',
    ];
    expect(distinct(ids)).toBe(ids.length);
  });

  it('C10: by what the library calls things itself', () => {
    const ids = ['@global', 'g', 'global', 'default', 'm', '0', 't', 'u', 't.', 'undefined', 'null', 'NaN', '*'];
    expect(distinct(ids)).toBe(ids.length);
    const global = idOf(keyFactory, { tenant: 'x', user: 'x', width: 'global', namespace: 'cats', parts: [1] });
    for (const tenant of ids) {
      for (const width of ['tenant', 'user'] as const) {
        expect(idOf(keyFactory, { tenant, user: tenant, width, namespace: 'cats', parts: [1] })).not.toBe(global);
      }
    }
  });

  it.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'prototype'])(
    'C9: %s is a tenant, user, namespace, key and tag like any other',
    (word) => {
      for (const [, each] of factories) {
        const said: Said = { tenant: word, user: word, width: 'user', namespace: word, parts: [word, { [word]: 1 }] };
        const id = idOf(each, said);
        expect(idOf(each, { ...said })).toBe(id);
        for (const part of ['tenant', 'user', 'namespace'] as const)
          expect(idOf(each, { ...said, [part]: 'x' })).not.toBe(id);
        expect(idOf(each, { ...said, parts: [word, { x: 1 }] })).not.toBe(id);
        const key = each.key(each.space(scopeOf({ tenant: word, user: word }), 'user', word), [word], [word]);
        expect(key.tags).toEqual([word]);
        expect(new Set(key.labels).size).toBe(5);
      }
      expect(Object.keys(Object.prototype)).toEqual([]);
    },
  );
});

describe('hashed names', () => {
  const secrets = ['tenant-7f3a', 'user-7f3a', 'namespace-7f3a', 'version-7f3a', 'argument-7f3a', 'tag-7f3a'] as const;
  const [tenant, user, namespace, version, argument, tag] = secrets;
  const said: Said = { tenant, user, width: 'user', namespace, version, parts: [argument, { [argument]: [argument] }] };

  it('contain no clear text of tenants, users, namespaces, versions, arguments or tags', () => {
    const space = hashed.space(scopeOf(said), 'user', `${namespace}@${version}`);
    const key = hashed.key(space, said.parts, [tag]);
    const view = hashed.view(scopeOf(said), 'user', namespace);
    const stored = [
      key.id,
      ...key.labels,
      space.partition,
      space.path,
      space.name,
      view.path,
      view.namespace,
      view.label,
    ].join();
    for (const secret of secrets) expect(stored).not.toContain(secret);
    expect(stored).not.toContain('7f3a');
    // The readable form of the same key shows all of them: the check above can fail.
    for (const secret of secrets.slice(0, 5)) expect(idOf(keyFactory, said)).toContain(secret);
  });

  it('are others under another secret, and the same under the same', () => {
    const again = keyFactoryOf({ hashSecret: 'a secret of more than sixteen bytes' });
    const other = keyFactoryOf({ hashSecret: 'another secret of more than sixteen bytes' });
    expect(idOf(again, said)).toBe(idOf(hashed, said));
    const words = (id: string): string[] => id.split(/[/.@#]/).filter((word) => word.length > 1);
    const shared = words(idOf(other, said)).filter((word) => words(idOf(hashed, said)).includes(word));
    expect(shared).toEqual([]);
  });

  it('do not show that two tenants use the same argument', () => {
    const partOf = (id: string): string => id.slice(id.indexOf('#'));
    expect(partOf(idOf(hashed, said))).not.toBe(partOf(idOf(hashed, { ...said, tenant: 'other' })));
  });

  it('cannot be listed', () => {
    expect(hashed.readable).toBe(false);
    expect(keyFactory.readable).toBe(true);
  });

  it.each([['short'], [''], [42], [{}], [null], [Buffer.alloc(15)]])('refuse %p as a secret', (hashSecret) => {
    expect(() => keyFactoryOf({ hashSecret: hashSecret as string })).toThrow(/^keys\.hashSecret: /);
  });

  it('do not follow a secret that is changed after it was given', () => {
    const secret = Buffer.alloc(32, 'a');
    const before = keyFactoryOf({ hashSecret: secret });
    const id = partId(before, 1);
    secret.fill('b');
    expect(partId(before, 1)).toBe(id);
    expect(partId(keyFactoryOf({ hashSecret: secret }), 1)).not.toBe(id);
  });
});

describe('long keys', () => {
  const long = 'x'.repeat(1_000);

  it('a long part becomes its length and digest, and the others stay as they are', () => {
    expect(partId(keyFactory, 'user', 42, long)).toMatch(/^t\.acme\/cats\/'user,42,#1001\.[\w-]{32}$/);
  });

  it('differ when one letter in the middle does', () => {
    const other = `${long.slice(0, 500)}y${long.slice(501)}`;
    expect(partId(keyFactory, long)).not.toBe(partId(keyFactory, other));
    expect(partId(keyFactory, long, 1)).not.toBe(partId(keyFactory, long, '1'));
    expect(partId(keyFactory, long, long)).not.toBe(partId(keyFactory, long));
  });

  it('are not the text that they become', () => {
    const [word] = partId(keyFactory, long).split('/').slice(-1);
    expect(partId(keyFactory, word)).not.toBe(partId(keyFactory, long));
  });

  it('of very many parts become one digest, and a list of one long part is not that', () => {
    const many = Array.from({ length: 500 }, (_, index) => `part ${index}`);
    expect(partId(keyFactory, ...many)).toMatch(/^t\.acme\/cats\/##\d+\.[\w-]{32}$/);
    expect(partId(keyFactory, ...many)).not.toBe(partId(keyFactory, ...many.slice(1)));
    expect(partId(keyFactory, many.join())).toMatch(/^t\.acme\/cats\/#\d+\.[\w-]{32}$/);
  });

  it('never make an id longer than names and eight readable parts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 300 }), { maxLength: 40 }),
        (parts) => partId(keyFactory, ...parts).length <= 13 + 8 * 128,
      ),
      runs(1_000),
    );
  });

  it.each([[15], [4_097], [20.5], [NaN], ['64'], [null]])('refuse %p as maxReadable', (maxReadable) => {
    expect(() => keyFactoryOf({ maxReadable: maxReadable as number })).toThrow(/^keys\.maxReadable: /);
  });
});

describe('spaces', () => {
  const bob = scopeOf({ tenant: 'acme', user: 'bob' });

  it('are made once for a scope, width and namespace', () => {
    const space = keyFactory.space(bob, 'user', 'cats');
    expect(keyFactory.space(bob, 'user', 'cats')).toBe(space);
    expect(keyFactory.space(bob, 'tenant', 'cats')).not.toBe(space);
  });

  it('hold the scope cut down to their width', () => {
    expect(keyFactory.space(bob, 'global', 'cats').scope).toEqual({});
    expect(keyFactory.space(bob, 'tenant', 'cats').scope).toEqual({ tenant: 'acme' });
    expect(keyFactory.space(bob, 'user', 'cats').scope).toEqual({ tenant: 'acme', user: 'bob' });
  });

  it('need what their width needs, and never take a wider one instead', () => {
    for (const [, each] of factories) {
      expect(() => each.space(NO_SCOPE, 'tenant', 'cats')).toThrow(ScopeMissingError);
      expect(() => each.space(NO_SCOPE, 'user', 'cats')).toThrow(ScopeMissingError);
      expect(() => each.space(scopeOf({ user: 'bob' }), 'tenant', 'cats')).toThrow(ScopeMissingError);
      expect(() => each.space(scopeOf({ user: 'bob' }), 'user', 'cats')).toThrow(ScopeMissingError);
      expect(() => each.space(scopeOf({ tenant: 'acme' }), 'user', 'cats')).toThrow(ScopeMissingError);
      expect(() => each.view(scopeOf({ tenant: 'acme' }), 'user', undefined)).toThrow(ScopeMissingError);
      expect(() => each.tagLabel(scopeOf({ tenant: 'acme' }), 'user', 'a')).toThrow(ScopeMissingError);
    }
  });

  it('count into one row for equal spaces, also when their scopes are two objects', () => {
    const again = keyFactory.space(scopeOf({ tenant: 'acme', user: 'bob' }), 'user', 'cats');
    expect(again).not.toBe(keyFactory.space(bob, 'user', 'cats'));
    expect(again.stats).toBe(keyFactory.space(bob, 'user', 'cats').stats);
  });

  it('cannot be changed', () => {
    expect(Object.isFrozen(keyFactory.space(bob, 'user', 'cats'))).toBe(true);
    expect(Object.isFrozen(keyFactory.space(bob, 'user', 'cats').labels)).toBe(true);
  });

  it('whose counters had to go are made anew in the place they had', () => {
    const own = keyFactoryOf();
    const [scope, names] = [scopeOf({ tenant: 'silent' }), ['cats', 'dogs']];
    const before = names.map((name) => own.space(scope, 'tenant', name));
    const heldBytes = own.heldBytes;
    for (let at = 0; at < 20_008; at++) {
      const path = `t.flood${at}` as Partition;
      own.statsRegistry.row({ name: path, partition: path, path, namespace: 'cats' }).count('hits');
    }
    for (let pass = 0; pass < 2; pass++) {
      const anew = names.map((name) => own.space(scope, 'tenant', name));
      for (const [at, space] of anew.entries()) {
        expect(space).not.toBe(before[at]);
        expect(own.space(scope, 'tenant', names[at] as string)).toBe(space);
        expect({ ...space, stats: undefined }).toEqual({ ...before[at], stats: undefined });
      }
    }
    expect(own.heldBytes).toBe(heldBytes);
  });

  it('that nothing is asked of are forgotten when there are very many, those in use stay, and come back as they were', () => {
    const own = keyFactoryOf();
    const scope = scopeOf({ tenant: 'many' });
    const [idle, used] = [own.space(scope, 'tenant', 'idle'), own.space(scope, 'tenant', 'used')];
    let most = 0;
    for (let index = 0; index < soaking(50_000, 30_000); index++) {
      own.space(scope, 'tenant', `n${index}`);
      if (index % 5_000 === 0) {
        used.stats.count('hits');
        // Twenty thousand rows of counters are kept apart: beyond them spaces are made anew, with the counters they had.
        expect(own.space(scope, 'tenant', 'used').stats).toBe(used.stats);
        if (index < 15_001) expect(own.space(scope, 'tenant', 'used')).toBe(used);
      }
      most = Math.max(most, own.heldBytes);
    }
    const again = own.space(scope, 'tenant', 'idle');
    expect(again).not.toBe(idle);
    // But for its counters, which had to go.
    expect({ ...again, stats: undefined }).toEqual({ ...idle, stats: undefined });
    expect(again.stats).not.toBeUndefined();
    // Two generations of twelve thousand.
    expect(most).toBeLessThan(24_000 * 600);
  });

  it.each(['', '@', '@2', 'a@', 'a@b@c', 'a@ ', 'a@x/y', `a@${'1'.repeat(65)}`, 'x'.repeat(129), '\ud800', 'a@\ud800'])(
    'refuse %p as a namespace',
    (namespace) => {
      for (const [, each] of factories) expect(() => each.space(bob, 'tenant', namespace)).toThrow(CacheConfigError);
    },
  );

  it.each([undefined, null, 1, {}, ['a'], 'a@2'])('refuse %p as a namespace without a version', (namespace) => {
    expect(() => checkNamespace(namespace as string)).toThrow(/^namespace: /);
  });
});

describe('a key as callers give it', () => {
  it('is one value or a list of parts', () => {
    expect(partsOf('cat')).toEqual(['cat']);
    expect(partsOf(0)).toEqual([0]);
    expect(partsOf(false)).toEqual([false]);
    expect(partsOf(['cat', 42])).toEqual(['cat', 42]);
    expect(partsOf({ id: 1 })).toEqual([{ id: 1 }]);
  });

  it.each([undefined, null, ''])('%p is none', (key) => {
    expect(() => partsOf(key)).toThrow(KeyInvalidError);
  });

  it('brings its tags and labels along, once each', () => {
    const key = keyFactory.key(keyFactory.space(scopeOf({ tenant: 'acme' }), 'tenant', 'cats'), [1], ['a', 'b', 'a']);
    expect(key.tags).toEqual(['a', 'b']);
    expect(key.labels).toEqual(['n:cats', 't:a', 't:b']);
    expect(key.labels).toBe(key.labels);
  });

  it('asks for tags given as a function when they are needed, and once: when its labels are', () => {
    const space = keyFactory.space(scopeOf({ tenant: 'acme' }), 'tenant', 'cats');
    const names = ['tom'];
    let asked = 0;
    const tags = (): string[] => (asked++, [...names]);
    const settled = keyFactory.key(space, [1], tags);
    expect(settled.labels).toBe(settled.labels);
    const key = keyFactory.key(space, [1], tags);
    expect(key.id).toBe(settled.id);
    expect(asked).toBe(1);
    names.push('kit');
    expect([settled.tags, key.tags, key.labels.length]).toEqual([['tom'], ['tom', 'kit'], settled.labels.length + 1]);
    expect(asked).toBe(2);
    expect(() => keyFactory.key(space, [1], () => ['']).labels).toThrow(TagInvalidError);
  });

  it('refuses tags that are none', () => {
    const space = keyFactory.space(scopeOf({ tenant: 'acme' }), 'tenant', 'cats');
    expect(() => keyFactory.key(space, [1], [''])).toThrow(TagInvalidError);
  });
});

describe('visible keys', () => {
  it.each<readonly [readonly unknown[], string]>([
    [['cat', 42], 'cat:42'],
    [['tabby cat', 'a/b', "it's"], "tabby cat:a/b:it's"],
    [[1, true, null, undefined, 5n], '1:true:null:undef:5n'],
    [[{ a: 'b c' }], "{a='b%20c}"],
    [['a,b'], 'a,b'],
    [['100%'], '100%'],
    [[''], ''],
    [[], ''],
  ])('of %p is %s', (parts, visible) => {
    expect(visibleKey(partId(keyFactory, ...parts))).toBe(visible);
  });

  it('are the texts themselves, whatever they contain', () => {
    fc.assert(
      fc.property(anyId, anyId, (a, b) => {
        const said: Said = { tenant: a, user: b, width: 'user', namespace: a.replaceAll('@', ''), parts: [b] };
        return said.namespace === '' || b.length > 10 || visibleKey(idOf(keyFactory, said)) === b;
      }),
      runs(5_000),
    );
  });
});

describe('what an id tells without being asked for its space', () => {
  it.each(factories)('%s: its partition, and its width', (_, each) => {
    fc.assert(
      fc.property(anySaid, (said) => {
        const space = each.space(scopeOf(said), said.width, said.namespace);
        const { id } = each.key(space, said.parts, undefined);
        return partitionOfId(id) === space.partition && originOf(id).width === said.width;
      }),
      runs(3_000),
    );
  });

  it('its namespace as it was written, without the version', () => {
    fc.assert(
      fc.property(anySaid, (said) => originOf(idOf(keyFactory, said)).namespace === said.namespace),
      runs(3_000),
    );
  });
});
