import { describe, expect, it } from '@jest/globals';
import { Loading } from '../../../lib/core/frame.js';
import type { Key } from '../../../lib/core/keys/key.js';
import { scopeOf, type Width } from '../../../lib/core/keys/scope.js';
import { keyFactoryOf } from './support/key-factories.js';

const keyFactory = keyFactoryOf();

function keyOf(width: Width, tenant = 'acme', user = 'bob', part: unknown = 1, tags: readonly string[] = []): Key {
  return keyFactory.key(keyFactory.space(scopeOf({ tenant, user }), width, 'cats'), [part], tags);
}

function loadingOf(key: Key, parent?: Loading): Loading {
  return new Loading(key, parent);
}

describe('C16: a loader that reads what fewer people may see', () => {
  it('leaves a mark on its load', () => {
    const load = loadingOf(keyOf('tenant'));
    load.note(keyOf('user').space);
    expect(load.leak).toMatchObject({ name: 'u.acme.bob/cats' });
  });

  it('leaves a mark on every load around it that is wider', () => {
    const everybody = loadingOf(keyOf('global'));
    const tenant = loadingOf(keyOf('tenant'), everybody);
    const user = loadingOf(keyOf('user'), tenant);
    user.note(keyOf('user').space);
    expect([user.leak, tenant.leak?.width, everybody.leak?.width]).toEqual([undefined, 'user', 'user']);
  });

  it('leaves a mark when it reads of another tenant or user, however deep', () => {
    const load = loadingOf(keyOf('user', 'acme', 'bob'));
    load.note(keyOf('user', 'globex', 'bob').space);
    expect(load.leak?.scope.tenant).toBe('globex');
    const other = loadingOf(keyOf('user', 'acme', 'bob'));
    loadingOf(keyOf('user', 'acme', 'alice'), other).note(keyOf('user', 'acme', 'alice').space);
    expect(other.leak?.scope.user).toBe('alice');
  });

  it('keeps the first mark', () => {
    const load = loadingOf(keyOf('global'));
    load.note(keyOf('user').space);
    load.note(keyOf('tenant').space);
    expect(load.leak?.width).toBe('user');
  });

  it('leaves none when everybody who may see its entry may see what it read', () => {
    const load = loadingOf(keyOf('user'));
    for (const width of ['global', 'tenant', 'user'] as const) load.note(keyOf(width).space);
    expect(load.leak).toBeUndefined();
  });
});

describe('what an outer load takes over from inner entries', () => {
  it('their tags, and not the labels of their spaces', () => {
    const load = loadingOf(keyOf('user'));
    const inner = keyOf('user', 'acme', 'bob', 2, ['red']);
    load.inherit(inner.space, inner.labels, Infinity);
    expect([...(load.innerLabels ?? [])]).toEqual([
      keyFactory.tagLabel(scopeOf({ tenant: 'acme' }), 'tenant', 'red'),
      keyFactory.tagLabel(inner.space.scope, 'user', 'red'),
    ]);
  });

  it('no tags of another partition, where they mean something else', () => {
    const load = loadingOf(keyOf('tenant'));
    for (const inner of [keyOf('global', 'acme', 'bob', 2, ['red']), keyOf('tenant', 'globex', 'bob', 2, ['red'])]) {
      load.inherit(inner.space, inner.labels, Infinity);
    }
    expect(load.innerLabels).toBeUndefined();
  });

  it('the soonest of their ends, of every partition', () => {
    const load = loadingOf(keyOf('tenant'));
    expect(load.innerFreshUntilMs).toBe(Infinity);
    load.inherit(keyOf('global').space, [], 50);
    load.inherit(keyOf('tenant').space, [], 70);
    expect(load.innerFreshUntilMs).toBe(50);
  });
});

describe('a load that has ended', () => {
  it('takes nothing over from what it left behind: that may go on as long as the process', () => {
    const load = loadingOf(keyOf('user'));
    load.end();
    const later = keyOf('user', 'acme', 'bob', 2, ['red']);
    load.inherit(later.space, later.labels, 50);
    expect([load.innerLabels, load.innerFreshUntilMs]).toEqual([undefined, Infinity]);
  });

  it('is not around what begins there; what is still under way around it is', () => {
    const outermost = loadingOf(keyOf('tenant', 'acme', 'bob', 1));
    const between = loadingOf(keyOf('tenant', 'acme', 'bob', 2), outermost);
    between.end();
    expect(between.enclosing(between.key)).toBeUndefined();
    expect(between.enclosing(outermost.key)).toBe(outermost);
    expect(loadingOf(keyOf('tenant', 'acme', 'bob', 3), between).parent).toBe(outermost);
    outermost.end();
    expect(loadingOf(keyOf('tenant', 'acme', 'bob', 3), between).parent).toBeUndefined();
  });
});

describe('a load that waits', () => {
  it('is inside itself and what it is nested in, and nothing else', () => {
    const outer = loadingOf(keyOf('tenant', 'acme', 'bob', 1));
    const inner = loadingOf(keyOf('tenant', 'acme', 'bob', 2), outer);
    expect(inner.enclosing(outer.key)).toBe(outer);
    expect(inner.enclosing(inner.key)).toBe(inner);
    expect(outer.enclosing(inner.key)).toBeUndefined();
    // Another tenant's key of the same name is another key.
    expect(inner.enclosing(keyOf('tenant', 'globex', 'bob', 1))).toBeUndefined();
  });

  it('B33: would close a circle by waiting for one that waits for it', () => {
    const [a, b, c] = [1, 2, 3].map((part) => loadingOf(keyOf('tenant', 'acme', 'bob', part))) as [
      Loading,
      Loading,
      Loading,
    ];
    a.waitsFor.add(b);
    b.waitsFor.add(c);
    expect(c.wouldDeadlock(a)).toBe(true);
    expect(c.wouldDeadlock(c)).toBe(true);
    expect(a.wouldDeadlock(c)).toBe(false);
  });

  it('finds that out in a moment, however many wait for the same', () => {
    const me = loadingOf(keyOf('tenant'));
    let layer = [loadingOf(keyOf('tenant', 'acme', 'bob', 'end'))];
    for (let depth = 0; depth < 60; depth++) {
      const above = [0, 1].map((part) => loadingOf(keyOf('tenant', 'acme', 'bob', [depth, part])));
      for (const load of above) for (const below of layer) load.waitsFor.add(below);
      layer = above;
    }
    expect(me.wouldDeadlock(layer[0]!)).toBe(false);
  });
});
