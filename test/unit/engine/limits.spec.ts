import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { shared } from '../../support/machine/backends.js';
import { Rig, Source } from '../../support/machine/rig.js';

describe('the lease of a long load', () => {
  it('is renewed until the loader answers, so that nobody else loads', async () => {
    const backend = chaos(memory());
    const both = shared(backend);
    const first = new Rig({ backend: both, limits: { lease: '3s' } });
    const second = new Rig({ backend: both, clock: first.clock, limits: { maxWait: '2m' } });
    const source = new Source();
    const one = first.load('tom', source.load);
    await first.clock.settle();
    const two = second.load('tom', source.load);
    await first.clock.advance(60_000);
    expect(source.calls).toHaveLength(1);
    expect(backend.calls('renew')).toBe(60);
    source.answer(0, 'Tom');
    await first.clock.advance(200);
    expect(await Promise.all([one, two])).toEqual(['Tom', 'Tom']);
    expect(first.clock.pendingTimers).toBe(0);
  });

  it('a renewal that fails is tried again', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend, limits: { lease: '3s' } });
    const source = new Source();
    const call = rig.load('tom', source.load);
    await rig.clock.settle();
    backend.failNext('renew');
    await rig.clock.advance(30_000);
    source.answer(0, 'Tom');
    await call;
    expect(rig.recorded.of('error').map(({ operation }) => operation)).toEqual(['renew']);
    expect(await rig.get('tom')).toBe('Tom');
  });

  it('once lost it is not renewed any more', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend, limits: { lease: '3s' } });
    const source = new Source();
    const call = rig.load('tom', source.load);
    await rig.clock.settle();
    await rig.evict('tom');
    await rig.clock.advance(30_000);
    expect(backend.calls('renew')).toBe(1);
    source.answer(0, 'Tom');
    expect(await call).toBe('Tom');
    expect(await rig.get('tom')).toBeUndefined();
  });
});

describe('a load that takes longer than limits.maxLoad', () => {
  it('gives up its lease; its result is returned to its caller and not stored', async () => {
    const rig = new Rig({ limits: { lease: '3s', maxLoad: '10s' } });
    const source = new Source();
    const call = rig.load('tom', source.load);
    await rig.clock.advance(10_000);
    source.answer(0, 'late');
    expect(await call).toBe('late');
    expect(await rig.get('tom')).toBeUndefined();
    expect(rig.recorded.of('refused')).toMatchObject([{ reason: 'loader-too-long' }]);
  });

  it('one millisecond less is stored, also when the limit is shorter than a third of a lease', async () => {
    for (const limits of [
      { lease: '3s', maxLoad: '10s' },
      { lease: '1m', maxLoad: '10s' },
    ] as const) {
      const rig = new Rig({ limits });
      const source = new Source();
      const call = rig.load('tom', source.load);
      await rig.clock.advance(9_999);
      source.answer(0, 'in time');
      expect(await call).toBe('in time');
      expect(await rig.get('tom')).toBe('in time');
    }
  });

  it.each([
    ['under a lease', () => memory()],
    ['without a lease, in an outage', () => chaos(memory(), { operations: { read: { throwRate: 1 } } })],
  ])(
    'B30: a loader that never answers (%s) does not hold those who joined it: one of them loads anew',
    async (_, backend) => {
      const rig = new Rig({ backend: backend(), limits: { maxLoad: '10s' } });
      const source = new Source();
      const hung = rig.load('tom', source.load);
      await rig.clock.settle();
      const waiting = [rig.load('tom', source.load), rig.load('tom', source.load)];
      await rig.clock.advance(9_999);
      expect(source.calls).toHaveLength(1);
      await rig.clock.advance(1);
      expect(source.calls).toHaveLength(2);
      source.answer(1, 'Tom');
      expect(await Promise.all(waiting)).toEqual(['Tom', 'Tom']);
      // The first caller waits for its own loader, as it would without a cache.
      source.answer(0, 'at last');
      expect(await hung).toBe('at last');
      expect(rig.clock.pendingTimers).toBe(0);
    },
  );

  it('loaders that never answer do not use up limits.maxFlights for ever', async () => {
    const rig = new Rig({ limits: { maxFlights: 2, maxLoad: '10s' } });
    for (const name of ['a', 'b']) void rig.load(name, () => new Promise(() => undefined));
    await rig.clock.advance(10_000);
    await rig.load('c', () => 'C');
    expect(await rig.get('c')).toBe('C');
  });

  it('a background reload that never answers does not keep later ones from starting', async () => {
    const rig = new Rig({ limits: { maxLoad: '10s', maxRefreshes: 1 } });
    const policy = { ttl: '1m', staleWhileRevalidate: '1h' } as const;
    await rig.load('tom', () => 'old', policy);
    await rig.clock.advance(60_000);
    expect(await rig.load('tom', () => new Promise(() => undefined), policy)).toBe('old');
    await rig.clock.advance(10_000);
    expect(await rig.load('tom', () => 'new', policy)).toBe('old');
    await rig.clock.settle();
    expect(await rig.get('tom', policy)).toBe('new');
  });
});

describe('limits.maxFlights', () => {
  it('further keys are loaded without the cache; keys already under way are still joined', async () => {
    const rig = new Rig({ limits: { maxFlights: 2 } });
    const source = new Source();
    const calls = ['a', 'b', 'c', 'c', 'a'].map((name) => rig.load(name, source.load));
    await rig.clock.settle();
    expect(source.calls).toHaveLength(4);
    for (let index = 0; index < 4; index++) source.answer(index, index);
    expect(await Promise.all(calls)).toEqual([0, 1, 2, 3, 0]);
    expect(rig.recorded.of('bypass').map(({ reason }) => reason)).toEqual(['too-many-flights', 'too-many-flights']);
    expect(await rig.get('a')).toBe(0);
    expect(await rig.get('c')).toBeUndefined();
  });
});

describe('limits.maxWait', () => {
  it('is shortened by a hardTimeout', async () => {
    const backend = shared(chaos(memory()));
    const first = new Rig({ backend });
    const second = new Rig({ backend, clock: first.clock });
    void first.load('tom', () => new Promise(() => undefined));
    await first.clock.settle();
    const call = second.load('tom', () => 'mine', { hardTimeout: '1s' });
    await first.clock.advance(1_100);
    expect(await call).toBe('mine');
  });

  it('each caller keeps to its own, also those who wait together', async () => {
    const backend = shared(chaos(memory()));
    const first = new Rig({ backend });
    const second = new Rig({ backend, clock: first.clock });
    void first.load('tom', () => new Promise(() => undefined));
    await first.clock.settle();
    const ended: string[] = [];
    const wait = async (name: string, hardTimeout: '1s' | '2s' | '3s'): Promise<void> => {
      await second.load('tom', () => name, { hardTimeout });
      ended.push(name);
    };
    const calls = [wait('three', '3s'), wait('one', '1s'), wait('two', '2s')];
    await first.clock.advance(1_010);
    expect(ended).toEqual(['one']);
    await first.clock.advance(1_000);
    expect(ended).toEqual(['one', 'two']);
    await first.clock.advance(1_200);
    await Promise.all(calls);
    expect(ended).toEqual(['one', 'two', 'three']);
  });
});

describe('a cache that is switched off', () => {
  it('touches no backend, runs every loader, and stores nothing', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend, isEnabled: false });
    let loads = 0;
    for (let time = 0; time < 2; time++) expect(await rig.load('tom', () => ++loads)).toBe(time + 1);
    expect(await rig.put('tom', () => 'put')).toBe('put');
    await rig.set('tom', 'set');
    expect(await rig.get('tom')).toBeUndefined();
    expect(await rig.evict('tom')).toBe(0);
    expect(await rig.clear()).toBe(0);
    expect(await rig.removeMatching('*')).toBe(0);
    await rig.invalidateTag('pets');
    expect(backend.calls()).toBe(0);
    expect(rig.recorded.of('bypass').map(({ reason }) => reason)).toEqual(['disabled', 'disabled']);
    expect(rig.backend.kind).toBe('null');
  });

  it('does not throw in the face of the caller', async () => {
    const rig = new Rig({ isEnabled: false });
    await expect(
      rig.load('tom', () => {
        throw new Error('at once');
      }),
    ).rejects.toThrow('at once');
  });
});
