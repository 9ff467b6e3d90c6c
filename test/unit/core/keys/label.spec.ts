import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TagInvalidError } from '../../../../lib/core/errors.js';
import { checkTags, isTagLabel } from '../../../../lib/core/keys/label.js';
import { scopeOf } from '../../../../lib/core/keys/scope.js';
import { keyFactoryOf } from '../support/key-factories.js';
import { anyId, anyNamespace, anyText, HOSTILE_WORDS } from '../support/words.js';
import { runs } from '../../../support/soak.js';

const factories = [
  ['readable', keyFactoryOf()],
  ['hashed', keyFactoryOf({ hashSecret: 'a secret of more than sixteen bytes' })],
] as const;
const anyTag = anyText.filter((text) => text !== '' && Buffer.byteLength(text) <= 256);

describe.each(factories)('labels, %s', (name, keyFactory) => {
  /** Every label that these words give in one partition, under the name of what it means. */
  function labelsOf(user: string, namespace: string, tag: string): readonly (readonly [string, string])[] {
    const scope = scopeOf({ tenant: 'acme', user });
    return [
      [JSON.stringify(['user', user]), keyFactory.view(scope, 'user', undefined).label as string],
      [JSON.stringify(['namespace', namespace]), keyFactory.view(scope, 'tenant', namespace).label as string],
      [JSON.stringify(['user namespace', user, namespace]), keyFactory.view(scope, 'user', namespace).label as string],
      [JSON.stringify(['tag', tag]), keyFactory.tagLabel(scope, 'tenant', tag)],
      [JSON.stringify(['user tag', user, tag]), keyFactory.tagLabel(scope, 'user', tag)],
    ];
  }

  it('two labels of a partition are equal only when they mean the same', () => {
    fc.assert(
      fc.property(anyId, anyNamespace, anyTag, anyId, anyNamespace, anyTag, (...words) => {
        const meanings = new Map<string, string>();
        const all = [...labelsOf(words[0], words[1], words[2]), ...labelsOf(words[3], words[4], words[5])];
        for (const [meaning, label] of all) {
          if ((meanings.get(label) ?? meaning) !== meaning) return false;
          meanings.set(label, meaning);
        }
        return meanings.size === new Set(meanings.values()).size;
      }),
      runs(name === 'readable' ? 10_000 : 1_000),
    );
  });

  it('one word as a user, a namespace and a tag is three labels', () => {
    for (const word of HOSTILE_WORDS.filter((it) => it.trim() !== '' && !it.includes('@'))) {
      const labels = labelsOf(word, word, word).map(([, label]) => label);
      expect(new Set(labels).size).toBe(5);
    }
  });

  it('the border between a user and a tag or namespace cannot be moved', () => {
    const marks = [':', '.', ',', '|', '%3A', ''];
    for (const mark of marks) {
      const left = labelsOf(`a${mark}b`, 'c', 'c').map(([, label]) => label);
      const right = labelsOf('a', `b${mark}c`, `b${mark}c`).map(([, label]) => label);
      expect(left.filter((label) => right.includes(label))).toEqual([]);
    }
  });

  it('C20: a tag of the same name in two tenants lies in two partitions', () => {
    const [a, b] = ['acme', 'globex'].map((tenant) => keyFactory.space(scopeOf({ tenant }), 'tenant', 'cats'));
    expect(a!.partition).not.toBe(b!.partition);
    expect(keyFactory.space(scopeOf({ tenant: 'acme', user: 'bob' }), 'user', 'cats').partition).toBe(a!.partition);
    expect(keyFactory.space(scopeOf({ tenant: 'acme' }), 'global', 'cats').partition).not.toBe(a!.partition);
  });

  it('an entry carries the labels that every view covering it invalidates', () => {
    const scope = scopeOf({ tenant: 'acme', user: 'bob' });
    const own = keyFactory.key(keyFactory.space(scope, 'user', 'cats@2'), [1], ['red']);
    for (const width of ['tenant', 'user'] as const) {
      expect(own.labels).toContain(keyFactory.tagLabel(scope, width, 'red'));
      expect(own.labels).toContain(keyFactory.view(scope, width, 'cats').label);
    }
    expect(own.labels).toContain(keyFactory.view(scope, 'user', undefined).label);

    const shared = keyFactory.key(keyFactory.space(scope, 'tenant', 'cats'), [1], ['red']);
    expect(shared.labels).toEqual([
      keyFactory.view(scope, 'tenant', 'cats').label,
      keyFactory.tagLabel(scope, 'tenant', 'red'),
    ]);
    // A user's own invalidation does not reach what the tenant shares.
    expect(shared.labels).not.toContain(keyFactory.tagLabel(scope, 'user', 'red'));
  });

  it('the view of a whole partition needs no label', () => {
    const scope = scopeOf({ tenant: 'acme', user: 'bob' });
    expect(keyFactory.view(scope, 'tenant', undefined)).toMatchObject({
      label: undefined,
      path: undefined,
      namespace: undefined,
    });
    expect(keyFactory.view(scope, 'global', undefined)).toMatchObject({
      label: undefined,
      path: undefined,
      partition: 'g',
    });
  });

  it('a view names the path and namespace that the spaces it covers have', () => {
    const scope = scopeOf({ tenant: 'acme.org', user: 'bob/2' });
    const space = keyFactory.space(scope, 'user', 'Cats.mine@3');
    const view = keyFactory.view(scope, 'user', 'Cats.mine');
    expect(view.partition).toBe(space.partition);
    expect(view.path).toBe(space.path);
    expect(`${view.path}/${view.namespace}`).toBe(space.name);
  });

  it('only labels of tags are labels of tags', () => {
    const kinds = labelsOf('t', 't', 't').map(([, label]) => isTagLabel(label as never));
    expect(kinds).toEqual([false, false, false, true, true]);
  });
});

it('a name with a lone surrogate is refused, also where nobody looked at it before it is hashed', () => {
  for (const [, keyFactory] of factories) {
    expect(() => keyFactory.tagLabel(scopeOf({ tenant: 'acme' }), 'tenant', 'a\ud800')).toThrow(
      'is not well-formed text',
    );
  }
});

describe('B29: tags', () => {
  it('none, and an empty list, are no tags', () => {
    expect(checkTags(undefined)).toEqual([]);
    expect(checkTags([])).toEqual([]);
  });

  it('repetitions are dropped', () => {
    expect(checkTags(['a', 'b', 'a', 'a'])).toEqual(['a', 'b']);
    expect(checkTags(Array.from({ length: 100 }, () => 'a'))).toEqual(['a']);
  });

  it('4,096 are allowed in one list, one more is not', () => {
    const tags = Array.from({ length: 4_097 }, (_, index) => `tag${index}`);
    expect(checkTags(tags.slice(1))).toHaveLength(4_096);
    expect(() => checkTags(tags)).toThrow(TagInvalidError);
  });

  it('256 bytes are allowed, 257 and 10 kB are not', () => {
    expect(checkTags(['x'.repeat(256), 'é'.repeat(128)])).toHaveLength(2);
    for (const tag of ['x'.repeat(257), 'é'.repeat(129), 'x'.repeat(10_240)])
      expect(() => checkTags([tag])).toThrow(TagInvalidError);
  });

  it.each([
    [['']],
    [[1]],
    [[null]],
    [[undefined]],
    [[{}]],
    [['a', ['b']]],
    [['\ud800']],
    ['cats'],
    [new Set(['a'])],
    [null],
    [{ 0: 'a', length: 1 }],
  ])('%p are refused', (tags) => {
    expect(() => checkTags(tags as string[])).toThrow(TagInvalidError);
  });
});
