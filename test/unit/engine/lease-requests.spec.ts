import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../lib/core/clock.js';
import type { BackendParts } from '../../../lib/core/backend.js';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { Rig, Source } from '../../support/machine/rig.js';
import { until } from '../../support/time.js';

type Distant = ReturnType<typeof chaos>;

/** A backend like a server: answers take their time. */
const distant = (): Distant =>
  chaos(memory(), { operations: { read: { delayMs: [10, 10] }, lease: { delayMs: [50, 50] } } });

describe('callers who miss one key together', () => {
  it.each([
    ['ask for its lease once', () => undefined],
    ['all load when the question fails, and share that load', (backend: Distant) => backend.failNext('lease')],
  ])('%s', async (_, prepare) => {
    const backend = distant();
    const rig = new Rig({ backend });
    prepare(backend);
    const source = new Source();
    const calls = Array.from({ length: 50 }, () => rig.load('tom', source.load));
    await rig.clock.advance(70);
    expect(backend.calls('lease')).toBe(1);
    expect(source.calls).toHaveLength(1);
    source.answer(0, 'Tom');
    expect(await Promise.all(calls)).toEqual(calls.map(() => 'Tom'));
  });

  it('G2: who came after the question was sent asks for himself, as an invalidation may lie between', async () => {
    const backend = distant();
    const rig = new Rig({ backend });
    const source = new Source();
    const early = rig.load('tom', source.load);
    await rig.clock.advance(10);
    expect(backend.calls('lease')).toBe(1);
    const late = rig.load('tom', source.load);
    await rig.clock.advance(70);
    expect(backend.calls('lease')).toBe(2);
    source.answer(0, 'Tom');
    expect(await Promise.all([early, late])).toEqual(['Tom', 'Tom']);
  });
});

it('a call that would ask for its lease at once does not while leases are given back: the cache is closing', async () => {
  const distant = chaos(memory());
  const backend = {
    kind: 'distant',
    create: (parts: BackendParts) => Object.assign(distant.create(parts), { leasesInOneTrip: true }),
  };
  const rig = new Rig({ clock: systemClock, backend, limits: { closeTimeout: 1 } });
  const source = new Source<string>();
  const loading = rig.load('tom', source.load);
  await until('it loads', () => source.calls.length === 1);
  rig.space().stats.missBalance = 1;
  distant.pause('release');
  const closed = rig.machine.close();
  await until('a lease is given back', () => distant.waiting('release') === 1);
  expect(await rig.load('kit', () => 'Kit')).toBe('Kit');
  expect(distant.calls('lease')).toBe(1);
  expect(rig.recorded.of('bypass').map(({ reason }) => reason)).toEqual(['closed']);
  distant.resume('release');
  await closed;
  source.answer(0, 'Tom');
  expect(await loading).toBe('Tom');
});
