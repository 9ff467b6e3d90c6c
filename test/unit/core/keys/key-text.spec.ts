/** The name of a method that shares its namespace is part of the space of its keys, and of their ids as it ever was. */
import { describe, expect, it } from '@jest/globals';
import { KeyFactory, visibleKey, type Key } from '../../../../lib/core/keys/key.js';
import type { MethodLead } from '../../../../lib/core/keys/key-text.js';
import { scopeOf } from '../../../../lib/core/keys/scope.js';
import { StatsRegistry } from '../../../../lib/core/keys/stats-registry.js';
import { MethodName } from '../../../../lib/core/values/canonical.js';

const acme = scopeOf({ tenant: 'acme' });
const names = (...words: string[]): MethodName[] => words.map((word) => new MethodName(word));

function factory(hashSecret?: string): {
  keys: KeyFactory;
  key: (name: string | MethodLead, ...args: unknown[]) => Key;
} {
  const keys = new KeyFactory({ hashSecret }, new StatsRegistry());
  return { keys, key: (name, ...args) => keys.key(keys.space(acme, 'tenant', name), args, undefined) };
}

describe('the keys of one method in a namespace of several', () => {
  it('are those that the name in front of the arguments makes', () => {
    const { keys, key } = factory();
    const lead = keys.texts.lead('cats@2', names('pets', 'find'));
    const led = key(lead, 42, 'tabby');
    expect(led.id).toBe("t.acme/cats@2/m'pets,m'find,42,'tabby");
    expect(led.id).toBe(key('cats@2', ...names('pets', 'find'), 42, 'tabby').id);
    expect(led.text).toBe("42,'tabby");
    expect(led.space).toMatchObject({ name: 't.acme/cats', namespace: 'cats' });
    expect(led.space.stats).toBe(key('cats', 1).space.stats);
    expect(key(keys.texts.lead('cats@2', names('pets', 'find')), 42, 'tabby').space).toBe(led.space);
  });

  it('read as before, also without arguments', () => {
    const { keys, key } = factory();
    const lead = keys.texts.lead('cats', names('list'));
    expect(visibleKey(key(lead, 'a,b', 2).id)).toBe('list:a,b:2');
    expect(visibleKey(key(lead).id)).toBe('list');
    expect(visibleKey(key(lead, '').id)).toBe('list:');
    expect(key(lead).id).not.toBe(key(lead, '').id);
    expect(key(lead).id).toBe(key(lead, undefined).id);
  });

  it('are never those that a caller can say, nor of another method', () => {
    const { keys, key } = factory();
    const ids = [
      key(keys.texts.lead('cats', names('a'))),
      key(keys.texts.lead('cats', names('a', 'b'))),
      key(keys.texts.lead('cats', names('a')), 'b'),
      key('cats', "m'a"),
      key('cats', 'a'),
      key('cats', 'a', 'b'),
      key("cats/m'a"),
    ].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const name of ["cats@m'a,", "cats@@m'a,", "cats@m'a"])
      expect(() => keys.space(acme, 'tenant', name)).toThrow(/version|namespace/);
  });

  it('name the argument that cannot be in a key, counted from the first', () => {
    const { keys, key } = factory();
    expect(() => key(keys.texts.lead('cats', names('find')), 1, () => 1)).toThrow('argument 1 is a function');
  });

  it('with keys.hashSecret are digests of both: the name of the method is not to be read, and tells methods apart', () => {
    const { keys, key } = factory('a secret of some length');
    const [find, list] = [keys.texts.lead('cats', names('find')), keys.texts.lead('cats', names('list'))];
    const ids = [key(find, 1), key(list, 1), key(find), key(list), key('cats', 1), key('cats')].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).not.toMatch(/find|list|m'/);
    expect(key(find, 1).id).toBe(key(keys.texts.lead('cats', names('find')), 1).id);
  });
});
