import { describe, expect, it } from '@jest/globals';
import { Copier } from '../../../lib/core/values/copier.js';
import { CacheError, UnserializableError, ValueTooLargeError } from '../../../lib/core/errors.js';
import { holes, Money, TYPES } from '../core/support/values.js';
import { rig } from './support/codecs.js';
import { identical } from './support/identical.js';

const copier = new Copier(TYPES);

const circle: Record<string, unknown> = {};
circle['self'] = [circle];
let deep: unknown = [];
for (let level = 0; level < 100_000; level++) deep = [deep];
let wide: unknown = 'x';
for (let level = 0; level < 60; level++) wide = { left: wide, right: wide };
const unreadable = {
  get secret(): unknown {
    throw new Error('4111 1111');
  },
};

describe('B4, B6, B7, B8: what cannot be stored faithfully is refused, by the same rules as in memory', () => {
  it.each<readonly [string, unknown]>([
    ['a circle', circle],
    ['something nested a hundred thousand deep', deep],
    ['something small that contains itself a billion times', wide],
    ['a getter that throws', unreadable],
    [
      'a proxy that throws',
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('4111');
          },
        },
      ),
    ],
    ['an error', new Error('4111')],
    ['a function', () => 1],
    ['a symbol', Symbol('a')],
    ['a promise', Promise.resolve(1)],
    ['an instance of a class that is not registered', new (class Cat {})()],
    ['an ArrayBuffer', new ArrayBuffer(2)],
    ['a DataView', new DataView(new ArrayBuffer(2))],
    ['a boxed text', new String('a')],
    ['an instance of a subclass of Array', new (class Rows extends Array {})()],
    ['an instance of a subclass of Uint8Array', new (class Frame extends Uint8Array {})(1)],
    ['an array with a property', Object.assign([1], { count: 1 })],
    ['the result of a match', 'abc'.match(/b/)],
    ['a date with a property', Object.assign(new Date(0), { zone: 'UTC' })],
    ['an object with a symbol property', { [Symbol('a')]: 1 }],
    ['an array with a symbol property', Object.assign([1], { [Symbol('a')]: 1 })],
    ['an object with a toJSON of its own', { toJSON: () => ({ a: 1 }) }],
    ['an object with inherited properties', Object.create({ role: 'admin' })],
    ['an instance with hidden properties', Object.defineProperty(new Money(1, 'EUR'), 'secret', { value: 1 })],
    ['a text of two megabytes', 'x'.repeat(2_097_152)],
    ['a list of a billion holes', holes(1_000_000_000)],
  ])('%s', async (_, value) => {
    const { seal, events } = rig();
    for (const candidate of [value, { items: [0, value] }]) {
      const refusal = refusalOf(() => copier.admit(candidate, 'clone', 1_048_576));
      const error: unknown = await seal(candidate).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(CacheError);
      expect((error as CacheError).code).toBe(refusal.code);
      expect((error as CacheError).message).toBe(refusal.message);
      expect((error as CacheError).cause).toBeUndefined();
    }
    expect(events).toEqual([]);
  });

  it('sixty-four deep is not too deep, and comes back', async () => {
    let value: unknown = new Map([[undefined, -0]]);
    for (let level = 0; level < 62; level++) value = level % 2 === 0 ? [value] : new Map([[value, new Set([level])]]);
    expect(identical(await rig().through(value), value)).toBe(true);
    await expect(rig().seal([[value]])).rejects.toThrow(UnserializableError);
  });

  it('and the same for what is plain JSON', async () => {
    const nested = (levels: number): unknown =>
      levels === 0 ? 1 : levels % 2 === 0 ? [nested(levels - 1)] : { a: nested(levels - 1) };
    expect(identical(await rig().through(nested(64)), nested(64))).toBe(true);
    expect(() => copier.admit(nested(65), 'clone')).toThrow('too deeply');
    await expect(rig().seal(nested(65))).rejects.toThrow('too deeply');
  });

  it('what is reached twice comes back as two equal values', async () => {
    const shared = { a: [1n] };
    const back = (await rig().through({ left: shared, right: shared })) as { left: object; right: object };
    expect(back).toEqual({ left: { a: [1n] }, right: { a: [1n] } });
    expect(back.left).not.toBe(back.right);
  });

  it('a value is not changed by being stored', async () => {
    const made = () => ({ a: [undefined, new Date(0)], b: new Map([['c', { d: -0 }]]), '~e': { '~': 1 } });
    const value = made();
    await rig().seal(value);
    expect(identical(value, made())).toBe(true);
  });

  it('more bytes than the limit are refused, as a text, as bytes and as what JSON makes of them', async () => {
    const { seal } = rig({}, { limits: { maxValueBytes: 10_000 } });
    for (const value of ['x'.repeat(10_000), new Uint8Array(10_000), Array.from({ length: 2_000 }, () => 0)])
      await expect(seal(value)).rejects.toThrow(ValueTooLargeError);
    // Six characters for each of these, and seventeen megabytes of them.
    await expect(rig({}, { limits: { maxValueBytes: 8_388_608 } }).seal('\u0001'.repeat(2_900_000))).rejects.toThrow(
      ValueTooLargeError,
    );
  });
});

function refusalOf(admit: () => unknown): CacheError {
  try {
    admit();
  } catch (error) {
    if (error instanceof CacheError) return error;
  }
  throw new Error('was admitted');
}
