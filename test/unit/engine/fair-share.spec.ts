import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { FairShare } from '../../../lib/engine/bounds/fair-share.js';
import { LoadTimes } from '../../../lib/engine/load-times.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { Rig, Source } from '../../support/machine/rig.js';

const HANGS = (): Promise<never> => new Promise(() => undefined);

describe('a limit that tenants share', () => {
  it('is all for a tenant alone; used up, each other still has its even share', () => {
    const share = new FairShare<string>(12);
    const fill = (lane: string): number => {
      let entered = 0;
      for (; share.admits(lane); entered++) share.enter(lane);
      return entered;
    };
    expect(fill('a')).toBe(12);
    expect(fill('b')).toBe(6);
    expect(fill('c')).toBe(4);
    expect(fill('d')).toBe(3);
    for (let index = 0; index < 6; index++) share.leave('a');
    // Still more than an even share.
    expect(fill('a')).toBe(0);
  });

  it('is never passed by more than four times, however many come', () => {
    const share = new FairShare<string>(10);
    let total = 0;
    for (let lane = 0; lane < 1_000; lane++) for (; share.admits(`${lane}`); total++) share.enter(`${lane}`);
    expect(total).toBeLessThanOrEqual(40);
    expect(new FairShare(0).admits('a')).toBe(false);
  });

  it('is forgotten by those who have left', () => {
    const share = new FairShare<string>(2);
    for (const lane of ['a', 'a', 'b']) share.enter(lane);
    for (const lane of ['a', 'a', 'b']) share.leave(lane);
    for (let index = 0; index < 2; index++) share.enter('c');
    expect(share.admits('c')).toBe(false);
    expect(share.admits('d')).toBe(true);
    share.clear();
    expect(share.admits('c')).toBe(true);
  });
});

describe('a tenant that uses up a limit leaves others their share of it', () => {
  it('limits.maxFlights: loads of another are shared and stored', async () => {
    const rig = new Rig({ limits: { maxFlights: 4 } });
    for (let index = 0; index < 10; index++) void rig.load(index, HANGS, { tenant: 'acme' });
    const source = new Source();
    const place = { tenant: 'beta' };
    const calls = ['tom', 'tom', 'kitty'].map((name) => rig.load(name, source.load, place));
    await rig.clock.settle();
    expect(source.calls).toHaveLength(2);
    source.answer(0, 'Tom');
    source.answer(1, 'Kitty');
    expect(await Promise.all(calls)).toEqual(['Tom', 'Tom', 'Kitty']);
    expect(await rig.get('tom', place)).toBe('Tom');
    expect(rig.recorded.of('bypass')).toHaveLength(6);
  });

  it('limits.maxFlights in an outage: loads of another wait for each other', async () => {
    const backend = chaos(memory(), { operations: { read: { throwRate: 1 } } });
    const rig = new Rig({ backend, limits: { maxFlights: 4, maxOutageLoads: 1 } });
    for (let index = 0; index < 10; index++) void rig.load(index, HANGS, { tenant: 'acme' });
    await rig.clock.settle();
    const source = new Source();
    const calls = [
      rig.load('tom', source.load, { tenant: 'beta' }),
      rig.load('kitty', source.load, { tenant: 'beta' }),
    ];
    await rig.clock.settle();
    expect(source.calls).toHaveLength(1);
    source.answer(0, 'Tom');
    await rig.clock.settle();
    source.answer(1, 'Kitty');
    expect(await Promise.all(calls)).toEqual(['Tom', 'Kitty']);
    expect(rig.recorded.of('bypass').filter(({ reason }) => reason === 'too-many-flights')).toHaveLength(6);
  });

  it('limits.maxFlights in an outage: loads that never end do not use it up for ever', async () => {
    const backend = chaos(memory(), { operations: { read: { throwRate: 1 } } });
    const rig = new Rig({ backend, limits: { maxFlights: 2, maxLoad: '10s' } });
    for (let index = 0; index < 2; index++) void rig.load(index, HANGS);
    await rig.clock.advance(10_000);
    await rig.load('tom', () => 'Tom');
    expect(rig.recorded.of('bypass').map(({ reason }) => reason)).not.toContain('too-many-flights');
  });

  it('limits.maxRefreshes: what another has is reloaded behind its readers', async () => {
    const rig = new Rig({ limits: { maxRefreshes: 2 } });
    const policy = { ttl: '1m', staleWhileRevalidate: '1h' } as const;
    for (const tenant of ['acme', 'beta'])
      for (const name of ['a', 'b', 'c']) await rig.load(name, () => 'old', { ...policy, tenant });
    await rig.clock.advance(60_000);
    for (const name of ['a', 'b', 'c']) void rig.load(name, HANGS, { ...policy, tenant: 'acme' });
    await rig.clock.settle();
    for (const name of ['a', 'b']) void rig.load(name, HANGS, { ...policy, tenant: 'beta' });
    await rig.clock.settle();
    expect(await rig.load('c', () => 'new', { ...policy, tenant: 'beta' })).toBe('old');
    await rig.clock.settle();
    // Two of three and one of two, which is an even share, are under way.
    expect(await rig.get('c', { ...policy, tenant: 'beta' })).toBeUndefined();
    const gamma = { ...policy, tenant: 'gamma' };
    await rig.load('a', () => 'old', gamma);
    await rig.clock.advance(60_000);
    expect(await rig.load('a', () => 'new', gamma)).toBe('old');
    await rig.clock.settle();
    expect(await rig.get('a', gamma)).toBe('new');
  });
});

describe('warnings that are told once', () => {
  const unserializable = (rig: Rig, namespace: string, tenant: string): Promise<unknown> =>
    rig.load('tom', () => () => undefined, { namespace, tenant });

  it('a thousand made-up namespaces of one tenant do not silence those of another', async () => {
    const rig = new Rig();
    for (let index = 0; index < 1_100; index++) await unserializable(rig, `made-up ${index}`, 'acme');
    expect(rig.log).toHaveLength(1_000);
    for (let time = 0; time < 2; time++) await unserializable(rig, 'cats', 'beta');
    expect(rig.log).toHaveLength(1_001);
    expect(rig.log.at(-1)).toContain('"cats"');
  });

  it('and not for ever: after an hour all may be said again, once', async () => {
    const rig = new Rig();
    for (let index = 0; index < 1_000; index++) await unserializable(rig, `made-up ${index}`, 'acme');
    await unserializable(rig, 'cats', 'acme');
    expect(rig.log).toHaveLength(1_000);
    await rig.clock.advance(3_600_000);
    for (let time = 0; time < 2; time++) await unserializable(rig, 'cats', 'acme');
    expect(rig.log).toHaveLength(1_001);
    expect(rig.log.at(-1)).toContain('"cats"');
  });
});

describe('how long loaders take', () => {
  it('is known of those in use, however many namespaces are made up', () => {
    const times = new LoadTimes();
    times.note('idle', 5);
    times.note('cats', 5);
    for (let index = 0; index < 3_000; index++) {
      times.note(`made-up ${index}`, 1);
      times.note('cats', 5);
    }
    expect(times.of('cats')).toBeCloseTo(5);
    expect(times.of('idle')).toBe(0);
    times.note('new', 7);
    expect(times.of('new')).toBe(7);
  });
});
