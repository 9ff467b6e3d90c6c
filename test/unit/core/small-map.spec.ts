import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SmallMap } from '../../../lib/core/small-map.js';

describe('a map that is mostly of one entry', () => {
  it('is what a Map is, whatever comes and goes', () => {
    const step = fc.record({ name: fc.constantFrom('a', 'b', 'c'), isGone: fc.boolean(), value: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const [map, small] = [new Map<string, number>(), new SmallMap<string, number>()];
        for (const { name, isGone, value } of steps) {
          if (isGone) expect(small.delete(name)).toBe(map.delete(name));
          else {
            map.set(name, value);
            small.set(name, value);
          }
          expect([...small]).toEqual([...map]);
          expect([...small.values()]).toEqual([...map.values()]);
          expect(small.size).toBe(map.size);
          for (const each of ['a', 'b', 'c']) {
            expect(small.get(each)).toBe(map.get(each));
            expect(small.has(each)).toBe(map.has(each));
          }
        }
      }),
    );
  });

  it('a walk over several rests while some go and others come', () => {
    const small = new SmallMap<string, number>();
    for (const [at, name] of ['a', 'b', 'c'].entries()) small.set(name, at);
    const seen: number[] = [];
    for (const value of small.values()) {
      seen.push(value);
      small.delete('b');
      if (seen.length === 1) small.set('d', 3);
    }
    expect(seen).toEqual([0, 2, 3]);
  });
});
