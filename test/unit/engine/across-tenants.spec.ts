/** A namespace of all tenants is cleared: what each of them has, loads, and was answered with, and nothing else. */
import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { BackendFactory } from '../../../lib/core/backend.js';
import { systemClock } from '../../../lib/core/clock.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { Rig, Source, type Place } from '../../support/machine/rig.js';
import { SlowFills } from '../../support/machine/slow-fills.js';

const PLACES: readonly Place[] = [
  { tenant: 'acme' },
  { tenant: 'acme', user: 'ann' },
  { tenant: 'beta', user: 'ann' },
  { width: 'global' },
];

const BACKENDS: readonly (readonly [string, () => BackendFactory])[] = [
  ['memory', () => memory()],
  ['a backend elsewhere', () => chaos(memory())],
];

describe.each(BACKENDS)('a namespace of all tenants that is cleared, on %s', (_, backend) => {
  it('A107: goes for every tenant, user and for what all share; other namespaces stay', async () => {
    const rig = new Rig({ backend: backend() });
    for (const place of PLACES) {
      for (const namespace of ['cats', 'dogs']) await rig.set('tom', namespace, { ...place, namespace });
    }
    expect(await rig.clearEverywhere({ namespace: 'cats' })).toBe(PLACES.length);
    for (const place of PLACES) {
      expect(await rig.get('tom', { ...place, namespace: 'cats' })).toBeUndefined();
      expect(await rig.get('tom', { ...place, namespace: 'dogs' })).toBe('dogs');
    }
    expect(rig.recorded.of('everything-cleared')).toMatchObject([
      { type: 'everything-cleared', removed: PLACES.length, namespace: 'cats' },
    ]);
  });

  it('A107: loads of each tenant that are under way store nothing, and are joined by no call that comes after', async () => {
    const rig = new Rig({ backend: backend() });
    const sources = PLACES.map(() => new Source<string>());
    const load = (at: number): Promise<unknown> => rig.load('tom', (sources[at] as Source<string>).load, PLACES[at]);
    const early = PLACES.map((_place, at) => load(at));
    const other = rig.load('tom', () => 'dog', { namespace: 'dogs' });
    await rig.clock.settle();
    await rig.clearEverywhere();
    const late = PLACES.map((_place, at) => load(at));
    await rig.clock.settle();
    for (const source of sources) source.answer(0, 'old');
    expect(await Promise.all(early)).toEqual(PLACES.map(() => 'old'));
    for (const place of PLACES) expect(await rig.get('tom', place)).toBeUndefined();
    for (const source of sources) source.answer(1, 'new');
    expect(await Promise.all(late)).toEqual(PLACES.map(() => 'new'));
    await other;
    expect(await rig.get('tom', { namespace: 'dogs' })).toBe('dog');
  });

  it('A107: what is past its ttl comes back neither while it is reloaded nor when that fails', async () => {
    const rig = new Rig({ backend: backend() });
    const options = { ttl: '1s', staleWhileRevalidate: '1h', staleIfError: '1h' } as const;
    for (const place of PLACES) await rig.load('tom', () => 'old', { ...place, ...options });
    await rig.clock.advance(2_000);
    await rig.clearEverywhere();
    for (const place of PLACES) {
      const failing = rig.load('tom', () => Promise.reject(new Error('away')), { ...place, ...options });
      await expect(failing).rejects.toThrow('away');
      expect(await rig.load('tom', () => 'new', { ...place, ...options })).toBe('new');
    }
  });

  it('A107: a count begins anew, and one of another namespace goes on', async () => {
    const rig = new Rig({ backend: backend() });
    const { writes } = rig.machine.engine;
    const count = (namespace: string): Promise<number> =>
      writes.increment(rig.key('n', { namespace }), 1, rig.policy());
    for (const namespace of ['limits', 'other']) await count(namespace);
    await rig.clearEverywhere({ namespace: 'limits' });
    expect([await count('limits'), await count('other')]).toEqual([1, 2]);
  });

  it('A107: labels of namespaces that are made up are bounded: beyond that more goes, and never less', async () => {
    const rig = new Rig({ backend: backend() });
    await rig.set('tom', 'old', { namespace: 'first' });
    await rig.set('tom', 'kept', { namespace: 'kept' });
    await rig.clearEverywhere({ namespace: 'first' });
    for (let at = 0; at < 2_100; at++) await rig.clearEverywhere({ namespace: `made up ${at}` });
    expect(await rig.get('tom', { namespace: 'first' })).toBeUndefined();
    await rig.set('tom', 'new', { namespace: 'first' });
    expect(await rig.get('tom', { namespace: 'first' })).toBe('new');
  });
});

it('A107: in memory a tenant that has nothing of a namespace remembers nothing of it, and one that loads for it does', async () => {
  const rig = new Rig();
  const bytes = async (): Promise<number> => (await rig.backend.info()).usedBytes;
  for (let at = 0; at < 50; at++) await rig.set('rex', 'Rex', { tenant: `t${at}`, namespace: 'dogs' });
  // A space that is kept for it.
  rig.space();
  const before = await bytes();
  await rig.clearEverywhere();
  expect(await bytes()).toBe(before);
  const source = new Source<string>();
  const early = rig.load('tom', source.load, { tenant: 't1' });
  await rig.clock.settle();
  await rig.clearEverywhere();
  source.answer(0, 'old');
  expect(await early).toBe('old');
  expect(await rig.get('tom', { tenant: 't1' })).toBeUndefined();
});

it('A107: a value that was answered early and is on its way is not valid, and counts', async () => {
  const fills = new SlowFills();
  const rig = new Rig({ backend: fills.factory, clock: systemClock });
  await rig.load('tom', () => 'Tom', { answerEarly: true });
  await rig.load('rex', () => 'Rex', { answerEarly: true, namespace: 'dogs' });
  const cleared = rig.clearEverywhere();
  fills.land();
  // Nothing that it does not mean is waited for.
  expect(await cleared).toBe(1);
  fills.land();
  expect(await rig.get('tom')).toBeUndefined();
  expect(await rig.get('rex', { namespace: 'dogs' })).toBe('Rex');
});
