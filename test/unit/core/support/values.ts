import fc from 'fast-check';
import { anyText } from './words.js';

/** A class registered for keys and values. */
export class Money {
  constructor(
    readonly amount: unknown,
    readonly currency: unknown,
  ) {}
}

/** Another one with the same properties. */
export class Price {
  constructor(
    readonly amount: unknown,
    readonly currency: unknown,
  ) {}
}

export const TYPES = [Money, Price];

export const TYPED_ARRAYS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

const numbers = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 42, 0.1, NaN, Infinity, -Infinity, 1e21, 5e-324, Number.MAX_SAFE_INTEGER, 2 ** 53),
  fc.integer({ min: -3, max: 3 }),
  fc.double(),
);

const bytes = fc.uint8Array({ maxLength: 3 });

const leaves = fc.oneof(
  { weight: 4, arbitrary: numbers },
  { weight: 6, arbitrary: anyText },
  { weight: 2, arbitrary: fc.constantFrom(true, false, null, undefined) },
  { weight: 1, arbitrary: fc.bigInt({ min: -50n, max: 50n }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, 0, 42, 1_700_000_000_000).map((ms) => new Date(ms)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(/a/, /a/g, /\//u, /'/, /[;,]/gi, new RegExp('')).map((it) => new RegExp(it)),
  },
  { weight: 1, arbitrary: fc.constantFrom('http://a/', "http://a/?b='c", 'http://a/#d').map((it) => new URL(it)) },
  { weight: 1, arbitrary: bytes.map((it) => Buffer.from(it)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...TYPED_ARRAYS), bytes)
      .map(([Kind, it]) => new Kind(new Uint8Array([...it, ...new Uint8Array(8)]).buffer.slice(0, 8))),
  },
);

const { tree } = fc.letrec<{ tree: unknown; items: unknown[] }>((tie) => ({
  items: fc.array(tie('tree'), { maxLength: 3, depthIdentifier: 'value' }),
  tree: fc.oneof(
    { maxDepth: 3, depthSize: 'medium', depthIdentifier: 'value' },
    { weight: 6, arbitrary: leaves },
    { weight: 2, arbitrary: tie('items') },
    { weight: 1, arbitrary: tie('items').map(withHoles) },
    { weight: 3, arbitrary: fc.array(fc.tuple(anyText, tie('tree')), { maxLength: 3 }).map(objectOf) },
    { weight: 1, arbitrary: fc.array(fc.tuple(tie('tree'), tie('tree')), { maxLength: 3 }).map((it) => new Map(it)) },
    { weight: 1, arbitrary: tie('items').map((it) => new Set(it as unknown[])) },
    { weight: 1, arbitrary: fc.tuple(tie('tree'), anyText).map(([a, b]) => new Money(a, b)) },
  ),
}));

/** Any value that may be part of a key and be stored. */
export const anyValue: fc.Arbitrary<unknown> = tree;

/** Any list of arguments. */
export const anyArguments: fc.Arbitrary<unknown[]> = fc.array(anyValue, { maxLength: 3 });

/** Own properties, also one called `__proto__`. */
export function objectOf(members: readonly (readonly [string, unknown])[]): object {
  const object = {};
  for (const [key, value] of members) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

/** A list of nothing but holes. */
export function holes(length: number): unknown[] {
  const list: unknown[] = [];
  list.length = length;
  return list;
}

function withHoles(items: unknown): unknown[] {
  const copy = holes((items as unknown[]).length);
  for (const [index, item] of (items as unknown[]).entries()) if (index > 0) copy[index] = item;
  return copy;
}
