import { describe, expect, it } from '@jest/globals';
import { createContext, runInContext } from 'node:vm';
import {
  bytesKindOf,
  isNative,
  isPlainArray,
  isPlainObject,
  placeIn,
  tagOf,
} from '../../../../lib/core/values/plain.js';
import { objectOf } from '../support/values.js';

const realm = createContext({});
const there = (code: string): object => runInContext(`(${code})`, realm) as object;

describe('built-in kinds', () => {
  it.each<readonly [string, object, object]>([
    ['Date', new Date(0), there('new Date(0)')],
    ['Map', new Map(), there('new Map()')],
    ['Set', new Set(), there('new Set()')],
    ['RegExp', /a/g, there('/a/g')],
    ['URL', new URL('http://a'), new URL('http://b')],
    ['Bytes', Buffer.from('a'), there('new Uint8Array(1)')],
    ['Other', new Error('a'), there('new Error("a")')],
    ['Other', Promise.resolve(), there('Promise.resolve()')],
    ['Other', {}, there('{}')],
    ['Other', Object.create(null) as object, there('Object.create(null)')],
  ])('%s is one, here and in another realm', (tag, here, elsewhere) => {
    expect(tagOf(here)).toBe(tag);
    expect(tagOf(elsewhere)).toBe(tag);
  });

  it.each([Date, Map, Set, RegExp, URL])(
    'what is made from the prototype of %p has nothing inside, and is none',
    ({ prototype }) => {
      expect(tagOf(Object.create(prototype as object) as object)).toBe('Other');
    },
  );

  it('what only says that it is one is none', () => {
    for (const name of ['Date', 'Map', 'Set', 'RegExp', 'URL', 'Uint8Array']) {
      expect(tagOf(objectOf([['constructor', { name }]]))).toBe('Other');
      expect(tagOf({ [Symbol.toStringTag]: name })).toBe('Other');
    }
  });

  it('what has become one by another prototype is none', () => {
    expect(tagOf(Object.setPrototypeOf(new Set(), Map.prototype) as object)).toBe('Other');
    expect(tagOf(Object.setPrototypeOf(new Map(), Object.create(Map.prototype) as object) as object)).toBe('Other');
  });
});

describe('bytes', () => {
  it('have the kind that they are, whatever they say', () => {
    const lying = Object.defineProperty(new Uint8Array(1), Symbol.toStringTag, { value: 'Buffer' });
    expect(bytesKindOf(lying)).toBe('Uint8Array');
    expect(bytesKindOf(Object.defineProperty(new Int8Array(1), 'constructor', { value: Buffer }))).toBe('Int8Array');
    expect(bytesKindOf(Buffer.alloc(1))).toBe('Buffer');
    expect(bytesKindOf(new BigUint64Array(1))).toBe('BigUint64Array');
    expect(bytesKindOf(there('new Float32Array(1)') as Float32Array)).toBe('Float32Array');
  });

  it('of a subclass, and views of no kind, have none', () => {
    expect(bytesKindOf(new (class Frame extends Uint8Array {})(1))).toBeUndefined();
    expect(bytesKindOf(new DataView(new ArrayBuffer(1)))).toBeUndefined();
  });
});

describe('plain data', () => {
  it('is what braces and brackets make, here and in another realm', () => {
    expect(
      [{}, Object.create(null), there('{}'), there('Object.create(null)')].every((it) => isPlainObject(it as object)),
    ).toBe(true);
    expect([[], there('[]')].every((it) => isPlainArray(it as unknown[]))).toBe(true);
  });

  it('is what parsers of queries make: from an empty object without a prototype, and from nothing else', () => {
    const empty = Object.create(null) as object;
    expect(isPlainObject(Object.assign(Object.create(empty) as object, { a: 1 }))).toBe(true);
    const [named, hidden, marked] = [{ a: 1 }, {}, { [Symbol('s')]: 1 }].map(
      (members) => Object.assign(Object.create(null), members) as object,
    );
    Object.defineProperty(hidden, 'constructor', { value: class Cat {} });
    const others = [named, hidden, marked, Object.create(empty)].map((it) => Object.create(it as object) as object);
    expect(others.map(isPlainObject)).toEqual([false, false, false, false]);
  });

  it('is not what classes make, nor what inherits something', () => {
    const inherits = Object.create(
      Object.assign(Object.create(null) as object, { hasOwnProperty: () => true }),
    ) as object;
    const others = [
      new (class Cat {})(),
      new Date(0),
      Object.create({}),
      inherits,
      there('new (class Object {})'),
    ] as object[];
    expect(others.some(isPlainObject)).toBe(false);
    expect(
      [new (class Rows extends Array {})(), there('new (class Rows extends Array {})')].some((it) =>
        isPlainArray(it as unknown[]),
      ),
    ).toBe(false);
  });

  it('a class of one’s own is not a built-in one of the same name', () => {
    expect(isNative(class Map {}.prototype, 'Map')).toBe(false);
    expect(isNative(Map.prototype, 'Map')).toBe(true);
    expect(isNative(Map.prototype, 'Set')).toBe(false);
    // What is bound is native too, but has lost its name.
    expect(isNative({ constructor: class Map {}.bind(undefined) as unknown }, 'Map')).toBe(false);
  });
});

it('a place is told by names and positions', () => {
  expect(placeIn('value', [])).toBe('value');
  expect(placeIn('value', ['items', 3, 'price', '4111 1111'])).toBe('value.items[3].price[…]');
});
