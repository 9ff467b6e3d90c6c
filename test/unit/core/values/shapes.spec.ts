import { describe, expect, it } from '@jest/globals';
import { Canonical } from '../../../../lib/core/values/canonical.js';

const shapes = Array.from({ length: 40 }, (_, at) => ({ [`b${at}`]: at, a: 'x', 'c d': null }));

describe('names that were seen lately', () => {
  it('are written as at first, however many other shapes come between', () => {
    const encoding = new Canonical(new Map());
    const first = shapes.map((value) => encoding.encode(value));
    expect(first[0]).toBe("{a='x;b0=0;c%20d=null}");
    expect(new Set(first).size).toBe(shapes.length);
    for (const value of [...shapes, ...shapes].reverse())
      expect(encoding.encode(value)).toBe(new Canonical(new Map()).encode(value));
  });

  it('are told apart from the same names with other ends, and found in any order', () => {
    const encoding = new Canonical(new Map());
    expect(encoding.encode({ a: 1, b: 2 })).toBe(encoding.encode({ b: 2, a: 1 }));
    expect(encoding.encode({ a: 1 })).not.toBe(encoding.encode({ a: 1, b: null }));
    expect(encoding.encode({ ab: 1 })).not.toBe(encoding.encode({ a: 1, b: 1 }));
  });

  it('refuse the same objects again: a name that is no text, too much text', () => {
    const encoding = new Canonical(new Map());
    for (let time = 0; time < 2; time++) {
      expect(() => encoding.encode({ '\ud800': 1 })).toThrow('well-formed');
      expect(() => encoding.encode({ ['x'.repeat(70_000)]: 1 })).toThrow('too large');
      expect(() => encoding.encode({ a: 1, f: () => 1 })).toThrow('value.f is a function');
    }
  });
});
