import { describe, expect, it } from '@jest/globals';
import { Rig, Source } from '../../support/machine/rig.js';

describe('ten callers of one missing key', () => {
  it('are one miss, one load, and nine who waited for it', async () => {
    const rig = new Rig();
    const source = new Source<string>();
    const all = Promise.all(Array.from({ length: 10 }, () => rig.load('tom', source.load)));
    source.answer(0, 'Tom');
    expect(await all).toEqual(Array.from({ length: 10 }, () => 'Tom'));
    expect(source.calls).toHaveLength(1);
    const { hits, misses, coalesced, stale, bypasses } = rig.space().stats;
    expect({ hits, misses, coalesced, stale, bypasses }).toEqual({
      hits: 0,
      misses: 1,
      coalesced: 9,
      stale: 0,
      bypasses: 0,
    });
    expect(rig.recorded.of('miss')).toHaveLength(1);
    expect(rig.recorded.of('coalesced')).toHaveLength(9);
    expect(rig.recorded.of('coalesced')[0]).toMatchObject({ namespace: 'cats', durationMs: 0 });
  });

  it('whose load fails are counted in the same way', async () => {
    const rig = new Rig();
    const source = new Source<string>();
    const all = Promise.allSettled(Array.from({ length: 10 }, () => rig.load('tom', source.load)));
    source.fail(0, new Error('no'));
    await all;
    const { misses, coalesced } = rig.space().stats;
    expect({ misses, coalesced }).toEqual({ misses: 1, coalesced: 9 });
  });
});

describe('a tenant whose counters had to go', () => {
  it('is counted anew from its next call on, although its space was in use all the time', async () => {
    const rig = new Rig();
    await rig.set('tom', 1);
    await rig.get('tom');
    const { keyFactory, statsRegistry } = rig.machine;
    const view = rig.view();
    expect((await statsRegistry.sum(view)).hits).toBe(1);
    for (let at = 0; at < 20_000; at++) {
      keyFactory
        .space(rig.machine.scopes.of({ tenant: 'flood', user: `user ${at}` }), 'user', 'cats')
        .stats.count('hits', 9);
    }
    expect((await statsRegistry.sum(view)).hits).toBe(0);
    expect(statsRegistry.span(view).isComplete).toBe(false);
    await rig.get('tom');
    expect((await statsRegistry.sum(view)).hits).toBe(1);
    expect(statsRegistry.totals.hits).toBe(2 + 20_000 * 9);
  });
});
