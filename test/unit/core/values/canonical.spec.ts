import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createContext, runInContext } from 'node:vm';
import { Canonical, MethodName } from '../../../../lib/core/values/canonical.js';
import { registerClasses } from '../../../../lib/core/values/classes.js';
import { KeyInvalidError } from '../../../../lib/core/errors.js';
import { scopeOf } from '../../../../lib/core/keys/scope.js';
import { keyFactoryOf, partId } from '../support/key-factories.js';
import { nearMiss, reordered } from '../support/near-miss.js';
import { sameParts } from '../support/same.js';
import { anyArguments, anyValue, holes, Money, objectOf, Price, TYPES } from '../support/values.js';
import { runs } from '../../../support/soak.js';

const classes = registerClasses(TYPES);
const canonical = new Canonical(classes);
const encode = (value: unknown): string => canonical.encode(value);
const readable = keyFactoryOf();
const hashed = keyFactoryOf({ hashSecret: 'a secret of more than sixteen bytes' });
const shortened = keyFactoryOf({ maxReadable: 16 });

/** Arguments, and others that are almost or exactly the same. */
const pairs = fc
  .tuple(anyArguments, fc.nat(), fc.boolean())
  .map(
    ([args, choice, isOther]) => [args, listOf(isOther ? nearMiss(args, choice, encode) : reordered(args))] as const,
  );

describe('keys of arguments are equal exactly when the arguments are', () => {
  it('for arguments that are almost the same', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => (partId(readable, ...a) === partId(readable, ...b)) === sameParts(a, b)),
      runs(60_000),
    );
  });

  it('for arguments that have nothing to do with each other', () => {
    fc.assert(
      fc.property(
        anyArguments,
        anyArguments,
        (a, b) => (partId(readable, ...a) === partId(readable, ...b)) === sameParts(a, b),
      ),
      runs(15_000),
    );
  });

  it('when long parts are digests', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => (partId(shortened, ...a) === partId(shortened, ...b)) === sameParts(a, b)),
      runs(20_000),
    );
  });

  it('when all names are digests', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => (partId(hashed, ...a) === partId(hashed, ...b)) === sameParts(a, b)),
      runs(10_000),
    );
  });

  it('and the pairs above are worth something: most are different, many are equal', () => {
    const sample = fc.sample(pairs, 2_000).map(([a, b]) => sameParts(a, b));
    const equal = sample.filter(Boolean).length;
    expect(equal).toBeGreaterThan(600);
    expect(equal).toBeLessThan(1_500);
  });

  it('B26: the order of object keys, Map entries and Set members does not matter', () => {
    fc.assert(
      fc.property(anyValue, (value) => encode(reordered(value)) === encode(value)),
      runs(20_000),
    );
  });
});

describe('B25: arguments of another type have another key', () => {
  const lookAlikes: readonly (readonly [string, readonly unknown[]])[] = [
    ['one and what looks like it', [1, '1', 1n, [1], new Date(1), new Set([1]), true]],
    ['zeros and what counts as false', [0, -0, '0', '-0', 0n, false, '', null]],
    [
      'nothing and what is empty',
      [null, undefined, 'null', 'undefined', 'undef', '', [], {}, [undefined], [null], holes(1)],
    ],
    ['empty lists and their like', [[], '', {}, new Map(), new Set(), [[]], [''], Buffer.alloc(0), new Uint8Array(0)]],
    ['dates, numbers and texts', [new Date(0), 0, '1970-01-01T00:00:00.000Z', 'D0', new Date(NaN), NaN]],
    [
      'Maps, objects and lists of pairs',
      [new Map([['a', 1]]), { a: 1 }, [['a', 1]], new Set([['a', 1]]), new Map([['a', '1']])],
    ],
    ['patterns, addresses and texts', [/a/, '/a/', 'a', /a/g, new URL('http://a'), 'http://a/', "R'a'"]],
    [
      'bytes of several kinds',
      [Buffer.from([1, 2]), new Uint8Array([1, 2]), new Uint16Array([513]), [1, 2], 'AQI', Buffer.from('AQI')],
    ],
    [
      'instances of two classes and plain objects',
      [
        new Money(1, 'EUR'),
        new Price(1, 'EUR'),
        { amount: 1, currency: 'EUR' },
        new Map(Object.entries({ amount: 1, currency: 'EUR' })),
      ],
    ],
    ['numbers that are none', [NaN, 'NaN', Infinity, 'Inf', -Infinity, null]],
    ['lists joined and nested', [['a', 'b'], ['a,b'], [['a'], 'b'], ['a', ['b']], "'a,'b", { 0: 'a', 1: 'b' }]],
    ['missing members and empty ones', [{}, { a: null }, { a: {} }, { 'a=undef': 1 }, { a: 'undef' }]],
    [
      'undefined where it changes a length',
      [
        [],
        [undefined],
        [undefined, undefined],
        new Map([['a', undefined]]),
        new Map(),
        new Set([undefined]),
        new Set(),
      ],
    ],
    ['delimiters in keys of objects', [{ a: 1, b: 2 }, { 'a=1;b': 2 }, { a: '1;b=2' }, [{ a: 1 }, { b: 2 }]]],
    ['colons in keys and values', [{ a: 'b:c' }, { 'a:b': 'c' }, { a: { b: 'c' } }]],
    ['underscores and percents', ['a_b', ['a', 'b'], 'a%5Fb', 'a%255Fb']],
    ['very large and very small numbers', [1e21, '1e+21', 10n ** 21n, 1e-7, '1e-7']],
    ['names that objects already have', [objectOf([['__proto__', 1]]), {}, objectOf([['constructor', 1]])]],
  ];

  it.each(lookAlikes)('%s', (_, row) => {
    expect(new Set(row.map(encode)).size).toBe(row.length);
  });

  it('also as neighbours: the pairs of arguments that share a key when they are joined', () => {
    const neighbours = [
      ['a_b', 'c'],
      ['a', 'b_c'],
      ['a:b', 'c'],
      ['a', 'b:c'],
      ['a,b', 'c'],
      ['a', 'b,c'],
      ["a,'b", 'c'],
      ['a', "b,'c"],
      ['a', 'b', 'c'],
    ];
    expect(new Set(neighbours.map((args) => partId(readable, ...args))).size).toBe(neighbours.length);
  });

  it('also when an argument is missing, null, a hole, or undefined before others', () => {
    // oxlint-disable-next-line no-sparse-arrays -- a hole is what is being tested
    const lists: unknown[][] = [[], [undefined, 1], [null], [, 1], [1], [[undefined]], [[,]], [[]], [null, null]];
    // Not through a spread, which would fill the holes.
    const space = readable.space(scopeOf({ tenant: 'acme' }), 'tenant', 'cats');
    expect(new Set(lists.map((args) => readable.key(space, args, undefined).id)).size).toBe(lists.length);
  });

  it('an empty list of arguments has a key of its own', () => {
    expect(partId(readable)).not.toBe(partId(readable, ''));
    expect(partId(readable)).not.toBe(partId(readable, []));
  });
});

describe('what is not there is not part of a key', () => {
  const keyOf = (args: unknown[]): string => {
    const space = readable.space(scopeOf({ tenant: 'acme' }), 'tenant', 'cats');
    return readable.key(space, args, undefined).id;
  };

  it('arguments that are undefined at the end, as a query without them makes them', () => {
    for (const args of [[], ['a'], ['a', undefined, 'b'], [null], [{}]]) {
      expect(keyOf([...args, undefined])).toBe(keyOf(args));
      expect(keyOf([...args, undefined, undefined])).toBe(keyOf(args));
      expect(keyOf([...args, ...holes(2)])).toBe(keyOf(args));
    }
    expect(keyOf(holes(2))).toBe(keyOf([]));
    expect(keyOf(['a', undefined, 'b'])).not.toBe(keyOf(['a', 'b']));
  });

  it('members of objects that are undefined, at any depth and at any place among the others', () => {
    expect(encode({ a: 1, b: undefined })).toBe(encode({ a: 1 }));
    expect(encode({ a: undefined, b: 1 })).toBe(encode({ b: 1 }));
    expect(encode({ a: undefined, b: 1, c: undefined, d: 2 })).toBe(encode({ b: 1, d: 2 }));
    expect(encode({ a: undefined })).toBe(encode({}));
    expect(encode({ deep: [{ a: undefined, ';': 1 }] })).toBe(encode({ deep: [{ ';': 1 }] }));
    expect(encode(new Map([['k', { a: undefined }]]))).toBe(encode(new Map([['k', {}]])));
    expect(encode(new Money(1, undefined))).toBe(encode(Object.assign(Object.create(Money.prototype), { amount: 1 })));
    expect(encode({ a: undefined, b: 1 })).not.toBe(encode({ a: 1 }));
  });
});

describe('B24: arguments that cannot be part of a key are refused, and never become [object Object]', () => {
  class Request {
    readonly url = '/cats';
  }
  class Tags extends Array<string> {}
  class Registry extends Map<string, string> {}
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const deep = Array.from({ length: 100_000 }).reduce<unknown>((inner) => [inner], 0);

  it.each<readonly [string, unknown]>([
    ['a function', () => 1],
    ['a class', Request],
    ['a symbol', Symbol('a')],
    ['an instance of a class that is not registered', new Request()],
    ['an error', new Error('secret')],
    ['a promise', Promise.resolve(1)],
    ['a WeakMap', new WeakMap()],
    ['a generator', (function* () {})()],
    ['a boxed text', new String('a')],
    ['a boxed number', new Number(1)],
    ['an ArrayBuffer', new ArrayBuffer(2)],
    ['a DataView', new DataView(new ArrayBuffer(2))],
    [
      'the arguments of a function',
      (
        function () {
          return arguments;
        } as (...args: unknown[]) => unknown
      )(1),
    ],
    ['an instance of a subclass of Array', Tags.from(['a'])],
    ['an instance of a subclass of Map', new Registry()],
    ['an instance of a subclass of Date', new (class extends Date {})(0)],
    ['an instance of a subclass of Uint8Array', new (class extends Uint8Array {})(2)],
    [
      'an instance of a subclass of Buffer',
      Object.setPrototypeOf(Buffer.from('a'), Object.create(Buffer.prototype) as object),
    ],
    ['an object with a symbol property', { [Symbol('a')]: 1 }],
    ['an array with a property', Object.assign([1], { total: 1 })],
    ['an array with a symbol property', Object.assign([1], { [Symbol('a')]: 1 })],
    ['the result of a match', 'abc'.match(/b/)],
    ['a date with a property', Object.assign(new Date(0), { zone: 'UTC' })],
    ['a Map with a property', Object.assign(new Map(), { name: 'a' })],
    ['a text with a lone surrogate', '\ud800'],
    ['an object key with a lone surrogate', { '\udfff': 1 }],
    ['a text of a megabyte', 'x'.repeat(1_048_576)],
    ['a Buffer of a megabyte', Buffer.alloc(1_048_576)],
    ['an array of a billion holes', holes(1_000_000_000)],
    ['an array of a hundred thousand items', Array.from({ length: 100_000 }, (_, index) => index)],
    ['a circle', cyclic],
    [
      'a circle through a Map',
      (() => {
        const map = new Map<string, unknown>();
        return map.set('map', map);
      })(),
    ],
    ['a hundred thousand levels', deep],
    ['nine levels', [[[[[[[[[1]]]]]]]]]],
    ['an impostor of a Date', { [Symbol.toStringTag]: 'Date' }],
    ['an object made from the prototype of Map', Object.create(Map.prototype)],
    [
      'an impostor of a URL',
      new (class URL {
        readonly href = 'x';
        get [Symbol.toStringTag]() {
          return 'URL';
        }
      })(),
    ],
    ['an impostor that is a Map of another class called Map', new (class Map extends globalThis.Map {})()],
    ['an object with inherited properties', Object.create({ role: 'admin' })],
    ['an object with properties inherited from nowhere', Object.create(Object.assign(bare(), { role: 'admin' }))],
    ['an instance with a hidden property', Object.defineProperty(new Money(1, 'EUR'), 'secret', { value: 1 })],
  ])('%s', (_, value) => {
    expect(() => encode(value)).toThrow(KeyInvalidError);
    expect(() => partId(readable, 1, value)).toThrow(/^argument 1/);
  });

  it.each<readonly [string, () => unknown]>([
    [
      'a getter that throws',
      () => ({
        get name() {
          throw new Error('secret');
        },
      }),
    ],
    [
      'a proxy that throws',
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
      'a proxy whose prototype throws',
      () =>
        new Proxy(
          {},
          {
            getPrototypeOf() {
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
    ['a proxy without end', () => new Proxy({ a: 1 }, { get: () => endless() })],
  ])('B8: %s makes a typed error and not a crash', (_, make) => {
    const error = caught(() => encode(make()));
    expect(error).toBeInstanceOf(KeyInvalidError);
    expect(String(error) + String((error as Error).cause)).not.toContain('secret');
  });

  it('work on something small that contains itself very often is bounded', () => {
    let bomb: unknown = 'x';
    for (let level = 0; level < 8; level++) bomb = Array.from({ length: 1_000 }, () => bomb);
    expect(() => encode(bomb)).toThrow('too large');
    let empty: unknown = [];
    for (let level = 0; level < 7; level++) empty = Array.from({ length: 1_000 }, () => empty);
    expect(() => encode(empty)).toThrow('too large');
  });

  it('a list of arguments that is too long as a whole is refused', () => {
    const words = Array.from({ length: 20_000 }, (_, index) => 'x'.repeat(60) + index);
    expect(() => partId(readable, ...words)).toThrow('argument list is too long');
  });

  it('a text with a lone surrogate is named as what it is, wherever it stands', () => {
    const message = /^argument 0\S* is not well-formed text \(it contains a lone surrogate\)/;
    for (const value of ['\ud800', ['\ud800'], { a: '\udfff' }, { '\ud800': 1 }, new Map([['\ud800', 1]]), /\ud800/]) {
      const arg = value instanceof RegExp ? new RegExp('\ud800') : value;
      expect(() => partId(readable, arg)).toThrow(message);
    }
  });

  it('the error says where it happened, without what was there', () => {
    const place = { filter: { since: [new Date(0), () => 1] } };
    expect(() => partId(readable, place)).toThrow(/^argument 0\.filter\.since\[1\] is a function/);
    expect(() => partId(readable, { 'bob@example.com': () => 1 })).toThrow(/^argument 0\[…\] is a function/);
    expect(() => partId(readable, { cus_9s6XKzkNRiz8i3: () => 1 })).toThrow(/^argument 0\[…\] is a function/);
  });
});

describe('B27: what an object says about itself is not used for keys', () => {
  it('neither toString nor valueOf nor toJSON', () => {
    const text = { toString: 'a', valueOf: 'b' };
    expect(encode(text)).not.toBe(encode({ toString: 'a', valueOf: 'c' }));
    expect(() => encode({ toJSON: () => 'always the same' })).toThrow(KeyInvalidError);
    expect(() => encode({ toString: () => 'always the same' })).toThrow(KeyInvalidError);
  });

  it('nor the language of the machine', () => {
    const values = [1_234_567.89, -0.5, 1e21, new Date(0), ['ä', 'a', 'z', 'Z'], { ä: 1, a: 1, z: 1, Z: 1 }];
    expect(values.map(encode)).toEqual([
      '1234567.89',
      '-0.5',
      '1e+21',
      'D0',
      "['%C3%A4;'a;'z;'Z]",
      '{Z=1;a=1;z=1;%C3%A4=1}',
    ]);
  });

  it('nor the name of its constructor', () => {
    class Uint8Array extends globalThis.Uint16Array {}
    expect(() => encode(new Uint8Array(1))).toThrow(KeyInvalidError);
    const lying = new globalThis.Uint8Array([1]);
    Object.defineProperty(lying, 'constructor', { value: { name: "Buffer'AAAA" } });
    expect(encode(lying)).toBe(encode(new globalThis.Uint8Array([1])));
  });
});

describe('objects of another realm', () => {
  const realm = createContext({});
  const there = (code: string): unknown => runInContext(`(${code})`, realm);

  it.each([
    ['{ a: [1, null] }', { a: [1, null] }],
    ['new Date(5)', new Date(5)],
    ['new Map([["a", 1]])', new Map([['a', 1]])],
    ['new Set([1])', new Set([1])],
    ['/a/g', /a/g],
    ['new Uint8Array([1, 2])', new Uint8Array([1, 2])],
    ['Object.create(null)', {}],
  ])('%s has the key that it has here', (code, here) => {
    expect(encode(there(code))).toBe(encode(here));
  });

  it.each([
    'new (class Map extends globalThis.Map {})',
    'new (class Cat {})',
    'new Error("a")',
    'Object.create({ role: "admin" })',
  ])('%s is refused as it is here', (code) => {
    expect(() => encode(there(code))).toThrow(KeyInvalidError);
  });
});

describe('the name of a method', () => {
  it('is equal to itself, and to nothing that a caller can say', () => {
    const name = new MethodName('findOne');
    expect(encode(name)).toBe("m'findOne");
    expect(encode(new MethodName('findOne'))).toBe(encode(name));
    for (const other of ['findOne', "m'findOne", { name: 'findOne' }, ['findOne'], new Map([['name', 'findOne']])]) {
      expect(encode(other)).not.toBe(encode(name));
    }
    expect(encode(new MethodName("a',b"))).toBe("m'a%27%2Cb");
    expect(() => encode([name])).toThrow(KeyInvalidError);
  });
});

describe('the grammar', () => {
  it.each<readonly [unknown, string]>([
    ['cat food', "'cat%20food"],
    ['bob@example.com', "'bob@example.com"],
    ["it's (50%) *new*!", "'it%27s%20%2850%25%29%20%2Anew%2A%21"],
    ['漢', "'%E6%BC%A2"],
    [[1, 'a', [null]], "[1;'a;[null]]"],
    [{ b: 1, a: { c: undefined } }, '{a={};b=1}'],
    [
      new Map<unknown, unknown>([
        ['b', 1],
        [2, 'a'],
      ]),
      "M('b=1;2='a)",
    ],
    [new Set(['b', 'a']), "S('a;'b)"],
    [/a'b/gi, "R'a%27b'gi"],
    [new URL('http://a/?b=c'), "U'http:%2F%2Fa%2F%3Fb%3Dc"],
    [Buffer.from('hi'), "B'Buffer'aGk"],
    [new Money(5, 'EUR'), "C'Money{amount=5;currency='EUR}"],
  ])('%p is %s', (value, text) => {
    expect(encode(value)).toBe(text);
  });
});

/** An object without a prototype. */
function bare(): object {
  return Object.create(null) as object;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

function endless(): unknown {
  return new Proxy({ a: 1 }, { get: () => endless() });
}

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
