import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inspect } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { Canonical } from '../../../../lib/core/values/canonical.js';
import { registerClasses } from '../../../../lib/core/values/classes.js';
import { Copier } from '../../../../lib/core/values/copier.js';
import type { Isolation } from '../../../../lib/core/values/isolation.js';
import { UnserializableError, ValueTooLargeError } from '../../../../lib/core/errors.js';
import { nearMiss } from '../support/near-miss.js';
import { same } from '../support/same.js';
import { vandalise } from '../support/vandalise.js';
import { anyValue, holes, Money, objectOf, TYPES } from '../support/values.js';
import { runs } from '../../../support/soak.js';

const copier = new Copier(TYPES);
const classes = registerClasses(TYPES);

/** What a reader gets of a value that was stored. */
function stored(value: unknown, isolation: Isolation = 'clone'): unknown {
  return copier.release(copier.admit(value, isolation).value, isolation);
}

describe('B4: a value comes back as it was', () => {
  it.each(['clone', 'freeze', 'none'] as const)('%s: whatever it is made of', (isolation) => {
    fc.assert(
      fc.property(anyValue, (value) => same(stored(value, isolation), value)),
      runs(10_000),
    );
  });

  it('and a value that is not quite the same does not pass for it', () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), (value, choice) => {
        const other = nearMiss(value, choice, inspect);
        return same(stored(value), other) === same(value, other);
      }),
      runs(5_000),
    );
  });

  it.each<readonly [string, unknown]>([
    ['minus zero', -0],
    ['a bigint', 2n ** 70n],
    ['an invalid date', new Date(NaN)],
    ['an empty text', ''],
    ['undefined', undefined],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['a Map with objects as keys', new Map([[{ a: 1 }, new Map([[/a/g, new Set([[NaN]])]])]])],
    ['an instance of a registered class', new Money(new Date(5), 'EUR')],
    ['numbers in every form', [NaN, Infinity, -Infinity, -0, 5e-324, 1e21]],
    [
      'bytes in every form',
      [Buffer.from('a'), new Uint8Array([1]), new Float64Array([-0, NaN]), new BigInt64Array([-1n])],
    ],
  ])('%s', (_, value) => {
    expect(same(stored(value), value)).toBe(true);
    expect(Object.getPrototypeOf(Object(stored(value)))).toBe(Object.getPrototypeOf(Object(value)));
  });

  it.each<readonly [string, unknown]>([
    ['an error', new Error('secret')],
    ['a function', () => 1],
    ['a symbol', Symbol('a')],
    ['a promise', Promise.resolve(1)],
    ['a stream of values', (async function* () {})()],
    ['an instance of a class that is not registered', new (class Cat {})()],
    ['an ArrayBuffer', new ArrayBuffer(2)],
    ['a DataView', new DataView(new ArrayBuffer(2))],
    ['a WeakMap', new WeakMap()],
    ['a boxed text', new String('a')],
    ['an instance of a subclass of Array', new (class Rows extends Array {})()],
    ['an instance of a subclass of Map', new (class Registry extends Map {})()],
    ['an instance of a subclass of Date', new (class Moment extends Date {})()],
    ['an instance of a subclass of Uint8Array', new (class Frame extends Uint8Array {})(1)],
    ['an array with a property', Object.assign([1], { count: 1 })],
    ['the result of a match', 'abc'.match(/b/)],
    ['a date with a property', Object.assign(new Date(0), { zone: 'UTC' })],
    ['an object with a symbol property', { [Symbol('a')]: 1 }],
    ['an array with a symbol property', Object.assign([1], { [Symbol('a')]: 1 })],
    ['an object made from the prototype of Map', Object.create(Map.prototype)],
    [
      'an impostor of a URL',
      new (class URL {
        readonly href = 'no url';
        get [Symbol.toStringTag]() {
          return 'URL';
        }
      })(),
    ],
    ['an object with inherited properties', Object.create({ role: 'admin' })],
    ['an instance with hidden properties', Object.defineProperty(new Money(1, 'EUR'), 'secret', { value: 1 })],
  ])('%s is refused, and never becomes {}', (_, value) => {
    for (const isolation of ['clone', 'freeze', 'none'] as const) {
      expect(() => copier.admit(value, isolation)).toThrow(UnserializableError);
      expect(() => copier.admit({ deep: [value] }, isolation)).toThrow(/^value\.deep\[0\] /);
    }
  });

  it('of another realm as well, as an object of this one', () => {
    const there = runInContext(
      '({ at: new Date(5), map: new Map([["a", [1]]]), pattern: /a/g, bytes: new Uint8Array([1]) })',
      createContext({}),
    ) as object;
    const here = { at: new Date(5), map: new Map([['a', [1]]]), pattern: /a/g, bytes: new Uint8Array([1]) };
    const copy = stored(there) as typeof here;
    expect(same(copy, here)).toBe(true);
    expect(copy.at).toBeInstanceOf(Date);
    expect(copy.map).toBeInstanceOf(Map);
  });
});

describe('B5: what is not there', () => {
  it('undefined members stay undefined and missing ones stay missing', () => {
    const copy = stored({ a: undefined }) as object;
    expect('a' in copy).toBe(true);
    expect('b' in copy).toBe(false);
  });

  it('holes stay holes', () => {
    // oxlint-disable-next-line no-sparse-arrays -- holes are what is being tested
    const copy = stored([, 1, , undefined]) as unknown[];
    expect([0, 1, 2, 3].map((at) => at in copy)).toEqual([false, true, false, true]);
    expect(copy).toHaveLength(4);
  });

  it('hidden properties of plain objects are left out', () => {
    expect(Reflect.ownKeys(stored(Object.defineProperty({ a: 1 }, 'b', { value: 2 })) as object)).toEqual(['a']);
  });
});

describe('B6: circles and shared references', () => {
  it('a circle is refused and does not overflow the stack', () => {
    const object: Record<string, unknown> = {};
    object['self'] = object;
    const list: unknown[] = [];
    list.push({ list });
    const map = new Map<string, unknown>();
    map.set('map', map);
    for (const value of [object, list, map]) expect(() => copier.admit(value, 'clone')).toThrow('refers to itself');
  });

  it('what is reached twice comes back as two equal values', () => {
    const shared = { a: [1] };
    const copy = stored({ left: shared, right: shared }) as { left: object; right: object };
    expect(copy).toEqual({ left: { a: [1] }, right: { a: [1] } });
    expect(copy.left).not.toBe(copy.right);
  });

  it('something small that contains itself a billion times is refused before it is copied', () => {
    let bomb: unknown = 'x';
    for (let level = 0; level < 60; level++) bomb = { left: bomb, right: bomb };
    expect(() => copier.admit(bomb, 'clone', 1_000_000)).toThrow(ValueTooLargeError);
  });

  it('what is larger than 64 MiB is refused where no limit is said', () => {
    const part = 'x'.repeat(16 * 1_048_576);
    expect(() => copier.admit([part, part, part, part], 'clone')).toThrow(ValueTooLargeError);
  });
});

it('B7: a hundred thousand levels are refused without a crash', () => {
  const deep = Array.from({ length: 100_000 }).reduce<unknown>((inner) => ({ inner }), 0);
  expect(() => copier.admit(deep, 'clone')).toThrow(UnserializableError);
  expect(() => copier.admit(deep, 'none')).toThrow('is nested too deeply');
});

describe('B8: a value that runs code when it is read', () => {
  it.each<readonly [string, () => object]>([
    [
      'a getter',
      () => ({
        get name() {
          throw new Error('secret');
        },
      }),
    ],
    [
      'a getter of an array',
      () =>
        Object.defineProperty([1], 0, {
          enumerable: true,
          get() {
            throw new Error('secret');
          },
        }),
    ],
    [
      'a proxy',
      () =>
        new Proxy(
          {},
          {
            ownKeys() {
              throw new Error('secret');
            },
          },
        ),
    ],
    [
      'a revoked proxy',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      },
    ],
  ])('%s that throws is refused, and its error is not repeated', (_, make) => {
    let error: unknown;
    try {
      copier.admit({ inner: make() }, 'clone');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UnserializableError);
    expect(String(error) + String((error as Error).cause)).not.toContain('secret');
  });

  it('a getter that does not is read once, and its value stored', () => {
    let reads = 0;
    const copy = stored({
      get count() {
        return ++reads;
      },
    });
    expect(copy).toEqual({ count: 1 });
    expect(reads).toBe(1);
  });

  it('a setter of a registered class is not run', () => {
    class Account {
      declare balance: number;
      constructor(balance: number) {
        Object.defineProperty(this, 'balance', {
          value: balance,
          enumerable: true,
          writable: true,
          configurable: true,
        });
      }
    }
    let written = 0;
    Object.defineProperty(Account.prototype, 'balance', {
      configurable: true,
      set() {
        written++;
      },
    });
    const own = new Copier([Account]);
    const copy = own.release(own.admit(new Account(5), 'clone').value, 'clone') as Account;
    expect(Object.getOwnPropertyDescriptor(copy, 'balance')?.value).toBe(5);
    expect(written).toBe(0);
  });
});

describe('B13: names that objects already have', () => {
  const payloads = [
    '{"__proto__":{"polluted":true}}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    '{"a":{"__proto__":{"__proto__":{"polluted":true}}}}',
    '[{"__proto__":[]},{"prototype":{"polluted":true}}]',
    '{"__proto__":null,"toString":1,"hasOwnProperty":2,"valueOf":null}',
  ];

  it.each(payloads)('%s is data and pollutes nothing', (payload) => {
    const value: unknown = JSON.parse(payload);
    for (const isolation of ['clone', 'freeze', 'none'] as const) {
      const copy = stored(value, isolation);
      expect(JSON.stringify(copy)).toBe(payload);
      expect(Object.getPrototypeOf(copy)).toBe(Object.getPrototypeOf(value));
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('a copy of a copy is as harmless', () => {
    const once = stored(objectOf([['__proto__', { admin: true }]]));
    const twice = stored({ inner: once }) as { inner: { admin?: unknown } };
    expect(Object.hasOwn(twice.inner, '__proto__')).toBe(true);
    expect(twice.inner.admin).toBeUndefined();
  });
});

describe('B14: objects that look like something to call', () => {
  it('toJSON and then are refused when they can be called', () => {
    expect(() => copier.admit({ toJSON: () => 1 }, 'clone')).toThrow(/^value\.toJSON is a function/);
    expect(() => copier.admit(objectOf([['then', () => 1]]), 'clone')).toThrow(/^value\.then is a function/);
  });

  it('and are properties like any other when they cannot', async () => {
    const value = objectOf([
      ['toJSON', 'a'],
      ['then', objectOf([['then', 1]])],
    ]);
    expect(stored(value)).toEqual(value);
    await expect((async () => stored(value))()).resolves.toEqual(value);
  });

  it('neither is called on an instance of a registered class', () => {
    class Loud {
      readonly a = 1;
      toJSON(): never {
        throw new Error('called');
      }
    }
    const own = new Copier([Loud]);
    expect(own.admit(new Loud(), 'clone').value).toEqual(new Loud());
  });
});

describe('B36: nobody can change what others get', () => {
  it('clone: not the one who stored it, not one who read it', () => {
    // Written down and not copied: a copy that shares something would change along.
    const written = (value: unknown): string => new Canonical(classes).encode(value);
    fc.assert(
      fc.property(anyValue, (value) => {
        const before = written(value);
        const { value: kept } = copier.admit(value, 'clone');
        vandalise(value);
        const first = copier.release(kept, 'clone');
        if (written(first) !== before) return false;
        vandalise(first);
        return written(copier.release(kept, 'clone')) === before && written(kept) === before;
      }),
      runs(10_000),
    );
  });

  it('freeze: not the one who stored it, and readers are told when they try', () => {
    const value = {
      list: [{ a: 1 }],
      map: new Map([['a', { b: 1 }]]),
      set: new Set([[1]]),
      money: new Money({ c: 1 }, 'EUR'),
    };
    const { value: kept } = copier.admit(value, 'freeze');
    value.list[0]!.a = 2;
    const read = copier.release(kept, 'freeze') as typeof value;
    expect(read.list[0]).toEqual({ a: 1 });
    expect(() => read.list.push({ a: 3 })).toThrow(TypeError);
    expect(() => Object.assign(read.list[0]!, { a: 3 })).toThrow(TypeError);
    expect(() => Object.assign(read.money, { amount: 3 })).toThrow(TypeError);
    expect(() => Object.assign(read.money.amount as object, { c: 3 })).toThrow(TypeError);
  });

  it('freeze: what can be frozen is one object for all, what cannot is a copy for each reader', () => {
    const shared = { list: [{ a: 1 }], money: new Money({ c: 1 }, 'EUR') };
    const { value: whole } = copier.admit(shared, 'freeze');
    expect(copier.release(whole, 'freeze')).toBe(copier.release(whole, 'freeze'));
    const { value: kept } = copier.admit({ shared, bought: { by: 'ann', at: new Date(5) } }, 'freeze');
    const [first, second] = [0, 1].map(() => copier.release(kept, 'freeze')) as [Bought, Bought];
    expect(first.shared).toBe(second.shared);
    expect(first.bought.at).not.toBe(second.bought.at);
    expect([first, first.bought].every(Object.isFrozen)).toBe(true);
    first.bought.at.setTime(99);
    expect(second.bought.at.getTime()).toBe(5);
    expect(copier.release(kept, 'freeze')).toEqual({ shared, bought: { by: 'ann', at: new Date(5) } });
  });

  it('freeze: whatever one reader does to Maps, Sets, dates, bytes, addresses and expressions, no other sees', () => {
    const written = (value: unknown): string => new Canonical(classes).encode(value);
    fc.assert(
      fc.property(anyValue, (value) => {
        const before = written(value);
        const { value: kept } = copier.admit(value, 'freeze');
        tryTo(vandalise, value);
        const first = copier.release(kept, 'freeze');
        if (written(first) !== before) return false;
        tryTo(vandalise, first);
        return written(copier.release(kept, 'freeze')) === before;
      }),
      runs(3_000),
    );
    const { value: kept } = copier.admit([/a/g], 'freeze');
    const [expression] = copier.release(kept, 'freeze') as [RegExp];
    expect(expression.test('a') && expression.lastIndex === 1).toBe(true);
    expect((copier.release(kept, 'freeze') as [RegExp])[0].lastIndex).toBe(0);
  });

  it('none: everybody shares one object, as asked', () => {
    const value = { a: [1] };
    const { value: kept } = copier.admit(value, 'none');
    expect(kept).toBe(value);
    expect(copier.release(kept, 'none')).toBe(value);
  });

  it('a Buffer shares no memory with the one it was copied from, nor with the pool', () => {
    const source = Buffer.from('abc');
    const { value: kept } = copier.admit(source, 'clone');
    expect((kept as Buffer).buffer.byteLength).toBe(3);
    source.fill(0);
    (copier.release(kept, 'clone') as Buffer).fill(1);
    expect(String(copier.release(kept, 'clone') as Buffer)).toBe('abc');
  });

  it('what somebody put into Object.prototype does not become a member', () => {
    const { value: kept } = copier.admit({ a: { b: 1 } }, 'clone');
    Object.defineProperty(Object.prototype, 'ttl', {
      value: { evil: true },
      enumerable: true,
      configurable: true,
      writable: true,
    });
    try {
      expect(Object.hasOwn(copier.release(kept, 'clone') as object, 'ttl')).toBe(false);
      expect(Object.hasOwn(copier.admit({ a: 1 }, 'clone').value as object, 'ttl')).toBe(false);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'ttl');
    }
  });
});

describe('the estimate of what a value occupies', () => {
  const sizeOf = (value: unknown): number => copier.admit(value, 'clone').sizeBytes;

  it('grows with what is in it', () => {
    expect(sizeOf('x'.repeat(10_000))).toBeGreaterThan(10_000);
    expect(sizeOf('漢'.repeat(10_000))).toBeGreaterThan(20_000);
    expect(sizeOf(Buffer.alloc(10_000))).toBeGreaterThan(10_000);
    expect(sizeOf(holes(1_000))).toBeGreaterThan(8_000);
    expect(sizeOf(Array.from({ length: 1_000 }, () => 1))).toBeGreaterThan(8_000);
    expect(sizeOf(Array.from({ length: 1_000 }, () => 0.5))).toBeGreaterThan(16_000);
    expect(sizeOf(new Map(Array.from({ length: 1_000 }, (_, index) => [index, index])))).toBeGreaterThan(32_000);
    expect(sizeOf(2n ** 8_000n)).toBeGreaterThan(1_000);
    expect(sizeOf({ ['k'.repeat(1_000)]: 1 })).toBeGreaterThan(1_000);
  });

  it('is the same for every isolation', () => {
    fc.assert(
      fc.property(anyValue, (value) => copier.admit(value, 'none').sizeBytes === sizeOf(value) && sizeOf(value) >= 0),
      runs(2_000),
    );
  });

  it('B11, B12: stops at the limit, before anything large is copied', () => {
    expect(() => copier.admit('x'.repeat(10_000_000), 'clone', 1_048_576)).toThrow(ValueTooLargeError);
    expect(() => copier.admit(Buffer.alloc(10_000_000), 'clone', 1_048_576)).toThrow(ValueTooLargeError);
    expect(() => copier.admit(holes(4_000_000_000), 'clone')).toThrow(ValueTooLargeError);
    expect(() => copier.admit('x'.repeat(536_870_000), 'clone')).toThrow(ValueTooLargeError);
    expect(copier.admit('x'.repeat(1_000), 'clone', 1_048_576).value).toHaveLength(1_000);
  });
});

interface Bought {
  readonly shared: object;
  readonly bought: { readonly by: string; readonly at: Date };
}

/** What is frozen says no, which is an answer too. */
function tryTo(change: (value: unknown) => void, value: unknown): void {
  try {
    change(value);
  } catch {
    // What came before it has been changed; what comes after it is vandalised by other values.
  }
}
