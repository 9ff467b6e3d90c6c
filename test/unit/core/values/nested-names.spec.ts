/** Copies that know where to look: as faithful and as separate as those that look everywhere. */
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Canonical } from '../../../../lib/core/values/canonical.js';
import { registerClasses } from '../../../../lib/core/values/classes.js';
import { Copier } from '../../../../lib/core/values/copier.js';
import { NestedNames } from '../../../../lib/core/values/nested-names.js';
import { runs } from '../../../support/soak.js';
import { same } from '../support/same.js';
import { vandalise } from '../support/vandalise.js';
import { anyValue, holes, objectOf, TYPES } from '../support/values.js';

const copier = new Copier(TYPES);
const classes = registerClasses(TYPES);
const written = (value: unknown): string => new Canonical(classes).encode(value);

/** Members by the names that code has: of these something is known. */
const named = fc
  .array(fc.tuple(fc.constantFrom('a', 'tags', 'row2', '__proto__', 'constructor', 'then', '0'), anyValue), {
    maxLength: 4,
  })
  .map(objectOf);
const rows = fc.oneof(named, fc.array(fc.oneof(named, anyValue), { maxLength: 3 }), anyValue);

describe('a copy that knows nested names', () => {
  it('is as it was, in the same order, also by the names of other values', () => {
    fc.assert(
      fc.property(rows, rows, (value, beside) => {
        const kept = copier.admit(value, 'clone');
        const known = copier.admit(beside, 'clone').nested.and(kept.nested);
        const copies = [kept.nested, known].map((nested) => copier.release(kept.value, 'clone', nested));
        return copies.every((copy) => same(copy, value) && inspect(copy) === inspect(kept.value));
      }),
      runs(10_000),
    );
  });

  it('has nothing in common with what is kept, whatever its reader does to it', () => {
    fc.assert(
      fc.property(rows, rows, (value, beside) => {
        const before = written(value);
        const kept = copier.admit(value, 'clone');
        const known = copier.admit(beside, 'clone').nested.and(kept.nested);
        for (const nested of [kept.nested, known]) {
          vandalise(copier.release(kept.value, 'clone', nested));
          if (written(copier.release(kept.value, 'clone', nested)) !== before || written(kept.value) !== before)
            return false;
        }
        return true;
      }),
      runs(10_000),
    );
  });

  it('holes, undefined members, Dates and Maps in it are as they were', () => {
    const list = Object.assign(holes(3), { 1: { at: new Date(5) } });
    const value = { list, none: undefined, map: new Map([['a', { b: [1] }]]), rows: [[{ list: [] }]] };
    const { value: kept, nested } = copier.admit(value, 'clone');
    expect(nested.names).toEqual(['at', 'list', 'b', 'map', 'rows']);
    expect(same(copier.release(kept, 'clone', nested), value)).toBe(true);
  });

  it('takes what is in the prototype of all objects for no member', () => {
    const { value, nested } = copier.admit({ shared: { a: 1 } }, 'clone');
    const { value: bare } = copier.admit({ b: 1 }, 'clone');
    Object.defineProperty(Object.prototype, 'shared', { value: { evil: 1 }, configurable: true, writable: true });
    try {
      expect(Object.keys(copier.release(bare, 'clone', nested) as object)).toEqual(['b']);
      expect(copier.release(value, 'clone', nested)).toEqual({ shared: { a: 1 } });
    } finally {
      Reflect.deleteProperty(Object.prototype, 'shared');
    }
  });
});

describe('nested names', () => {
  const of = (value: unknown): NestedNames => copier.admit(value, 'clone').nested;

  it('are one object for all values of one form', () => {
    const row = (id: number): object => ({ id, tags: [], owner: { id, address: {} } });
    expect(of(row(1))).toBe(of([row(2), row(3)]));
    expect(of(row(1)).names).toEqual(['tags', 'address', 'owner']);
    expect(of({ id: 1 })).toBe(of({ name: 'x' }));
  });

  it('of both are those of either; where one says nothing, neither do both', () => {
    const [one, other] = [of({ a: [] }), of({ b: [] })];
    expect([one.and(other).names, other.and(one).names, one.and(one).names]).toEqual([['a', 'b'], ['b', 'a'], ['a']]);
    const all = of({ 'of data': [] });
    expect([all.names, one.and(all).names, all.and(one).names]).toEqual([undefined, undefined, undefined]);
  });

  it('are not kept where they come from data: too many, too long, or no names of code', () => {
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`n${at}`, []]));
    for (const value of [many, { [`n${'x'.repeat(30)}`]: [] }, { 'a-1': [] }, { id123: [] }])
      expect(of(value).names).toBeUndefined();
  });

  it('are bounded in all; those that are known stay so', () => {
    const none = NestedNames.none();
    const letters = Array.from({ length: 26 }, (_, at) => String.fromCharCode(97 + at));
    const all = letters.flatMap((one) => letters.map((other) => one + other));
    const known = [...all, ...all.map((name) => `${name}x`)].filter((name) => none.with(name).names !== undefined);
    expect(known).toHaveLength(1_024);
    expect(none.with('aa').names).toEqual(['aa']);
    expect(none.with('new').names).toBeUndefined();
  });
});
