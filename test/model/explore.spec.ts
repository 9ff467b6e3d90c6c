import { describe, expect, it } from '@jest/globals';
import { explore, type Model } from './explore.js';
import { pack } from './key.js';

/** Two hands that each count to three; with `broken`, meeting at two and two is the bad state. */
function counters(broken: boolean): Model<readonly [number, number]> {
  return {
    initial: [0, 0],
    keyOf: ([left, right]) => `${left},${right}`,
    steps: ([left, right]) => [
      ...(left < 3 ? [{ name: 'left', next: [left + 1, right] as const }] : []),
      ...(right < 3 ? [{ name: 'right', next: [left, right + 1] as const }] : []),
    ],
    isOver: ([left]) => left === 3,
    staleRead: ([left, right]) => (broken && left === 2 && right === 2 ? 'both stand at two' : null),
  };
}

describe('explore', () => {
  it('visits each state once, whatever the order of the steps that led there', () => {
    expect(explore(counters(false), { exhaustive: true })).toEqual({ verdict: 'holds', states: 16, trace: [] });
  });

  it('ends a path when all is over', () => {
    const { steps, ...rest } = counters(false);
    const expanded: string[] = [];
    explore({ ...rest, steps: (state) => (expanded.push(state.join()), steps(state)) });
    expect(expanded).toHaveLength(12);
    expect(expanded.filter((state) => state.startsWith('3'))).toEqual([]);
  });

  it('reports a shortest way to the violation, which comes last', () => {
    const { verdict, trace } = explore(counters(true));
    expect(verdict).toBe('violated');
    expect(trace).toEqual([...trace.slice(0, 4), 'STALE READ: both stand at two']);
    expect(trace.slice(0, 4).sort()).toEqual(['left', 'left', 'right', 'right']);
  });

  it('counts all states but the violating ones when it is to go on', () => {
    expect(explore(counters(true), { exhaustive: true })).toMatchObject({ verdict: 'violated', states: 15 });
  });

  it('gives up on a model that is too large rather than eat the machine', () => {
    expect(() => explore(counters(false), { maxStates: 10 })).toThrow('more than 10 states');
  });
});

describe('pack', () => {
  it('tells “absent” from every number', () => {
    const codes = [null, 0, 1, 14].map((value) => pack(0, value));
    expect(new Set(codes).size).toBe(4);
  });

  it('refuses a number that would make two states look the same', () => {
    expect(() => pack(15)).toThrow(RangeError);
  });
});
