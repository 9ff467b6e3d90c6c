/** Objects of a shape that was seen last are written in one walk. They are written as they are by the long way, or not at all. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Canonical } from '../../../../lib/core/values/canonical.js';
import { SeenShape } from '../../../../lib/core/values/seen-shape.js';

function long(value: unknown): string {
  return new Canonical(new Map()).encode(value);
}

/** Encodes values one after the other in one place of a key. */
function place(): (value: unknown) => string {
  const canonical = new Canonical(new Map());
  const seen = new SeenShape();
  return (value) => canonical.encode(value, 'value', undefined, seen);
}

/** What was seen before, so that the second of two objects goes the short way if it can. */
function after(first: object): (value: unknown) => string {
  const encode = place();
  encode(first);
  return encode;
}

describe('an object of the shape that was seen last', () => {
  it('is written in one walk, as the long way writes it', () => {
    const seen = new SeenShape();
    const query = { country: 'de', page: 1, limit: 20 };
    expect(seen.textOf(query)).toBeUndefined();
    new Canonical(new Map()).encode(query, 'value', undefined, seen);
    expect(seen.textOf(query)).toBe("{country='de;limit=20;page=1}");
    expect(seen.textOf({ country: 'fr', page: -0, limit: undefined })).toBe("{country='fr;page=-0}");
    expect(seen.textOf({ country: undefined, page: null, limit: true })).toBe('{limit=true;page=null}');
    expect(seen.textOf({ country: undefined, page: undefined, limit: undefined })).toBe('{}');
  });

  it('is the same text for whatever values come, in whatever order', () => {
    const member = fc.oneof(
      fc.string(),
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constantFrom(undefined, null, -0, NaN, Infinity, '', "'", 'a;b=c', 'é'),
      fc.bigInt(),
      fc.date(),
      fc.array(fc.integer(), { maxLength: 2 }),
      fc.record({ a: fc.integer() }),
    );
    const name = fc.constantFrom('a', 'b', 'c d', '1', '10', 'z', '__proto__', 'constructor');
    const object = fc.dictionary(name, member, { maxKeys: 4 });
    fc.assert(
      fc.property(fc.array(object, { minLength: 2, maxLength: 8 }), (objects) => {
        const encode = place();
        for (const one of objects) expect(encode(one)).toBe(long(one));
      }),
      { numRuns: 300 },
    );
  });

  it('is none with a symbol, which is refused each time', () => {
    const encode = after({ a: 1 });
    for (let time = 0; time < 2; time++)
      expect(() => encode({ a: 1, [Symbol('s')]: 2 })).toThrow('has symbol properties');
  });

  it('is none with a member that is inherited: it is not in the key', () => {
    const encode = after({ a: 1, inherited: 2 });
    const shared = Object.prototype as unknown as Record<string, unknown>;
    try {
      shared['inherited'] = 2;
      expect(encode({ a: 1 })).toBe('{a=1}');
      expect(encode({ a: 1, inherited: 2 })).toBe('{a=1;inherited=2}');
    } finally {
      delete shared['inherited'];
    }
    expect(() => encode(Object.create({ a: 1, inherited: 2 }))).toThrow('not registered');
  });

  it('is none where it only looks like one: an instance of a class, an array in disguise', () => {
    class Query {
      a = 1;
    }
    const encode = after({ a: 1 });
    expect(() => encode(new Query())).toThrow('not registered');
    const disguised = Object.setPrototypeOf(Object.assign([], { a: 1 }), Object.prototype) as unknown;
    expect(() => encode(disguised)).toThrow('is an array of a class of its own');
  });

  it('is refused as by the long way where it cannot be read', () => {
    const encode = after({ a: 1 });
    const failing = {
      get a(): number {
        throw new Error('a secret');
      },
    };
    expect(() => encode(failing)).toThrow('cannot be read');
    expect(() => encode({ a: () => 1 })).toThrow('value.a is a function');
  });

  it('is written by itself, also where a getter of it has another one written in the same place', () => {
    const encode = after({ b: 1, a: 2 });
    let inner = '';
    const outer = {
      b: 'outer',
      get a(): number {
        inner = encode({ b: 'inner', a: 'inner' });
        return 1;
      },
    };
    expect(encode(outer)).toBe("{a=1;b='outer}");
    expect(inner).toBe("{a='inner;b='inner}");
    expect(encode({ b: 'x', a: 'y' })).toBe("{a='y;b='x}");
  });

  it('is none with fewer or more names, or others', () => {
    const encode = after({ a: 1, b: 2 });
    for (const other of [{ a: 1 }, { a: 1, b: 2, c: 3 }, { a: 1, c: 2 }, { b: 2, a: 1 }, {}, [1, 2]])
      expect(encode(other)).toBe(long(other));
  });

  it('is not learnt from data: of many names, or long ones, nothing is kept', () => {
    const seen = new SeenShape();
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`n${at}`, at]));
    for (const data of [many, { ['x'.repeat(2_000)]: 1 }]) {
      new Canonical(new Map()).encode(data, 'value', undefined, seen);
      expect(seen.textOf(data)).toBeUndefined();
    }
  });
});
