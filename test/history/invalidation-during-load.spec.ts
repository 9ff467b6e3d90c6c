import { describe, expect, it } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import type { BackendFactory } from '../../lib/core/backend.js';
import { chaos } from '../../lib/testing/chaos.js';
import { shared } from '../support/machine/backends.js';
import { Rig, Source } from '../support/machine/rig.js';
import { INVALIDATIONS, RigSubject, type Place } from './support/subject.js';

const TIMES = 3;

const TOM: Place = {
  id: 'tom',
  name: 'tom',
  tenant: 'acme',
  user: 'ann',
  namespace: 'cats',
  tags: ['red'],
};
const OPTIONS = { tenant: 'acme', user: 'ann', namespace: 'cats', tags: ['red'] };

interface Process {
  readonly loads: Rig;
  readonly invalidates: Rig;
  readonly reads: Rig;
}

function inOne(backend: BackendFactory): Process {
  const rig = new Rig({ backend });
  return { loads: rig, invalidates: rig, reads: rig };
}

const PROCESSES: readonly (readonly [string, () => Process])[] = [
  ['in one process', () => inOne(memory())],
  ['in one process, with a backend elsewhere', () => inOne(chaos(memory()))],
  [
    'invalidated by another process',
    () => {
      const backend = shared(chaos(memory()));
      const loads = new Rig({ backend });
      return { loads, reads: loads, invalidates: new Rig({ backend, clock: loads.clock }) };
    },
  ],
  [
    'read by another process',
    () => {
      const backend = shared(chaos(memory()));
      const loads = new Rig({ backend });
      return { loads, invalidates: loads, reads: new Rig({ backend, clock: loads.clock }) };
    },
  ],
];

/**
 * The cells of bench P14: a load is under way, the source changes, the entry is invalidated, somebody reads. Every peer
 * serves the old value, every time.
 */
describe.each(PROCESSES)('an invalidation during a load, %s', (_, processes) => {
  it.each([...INVALIDATIONS])(
    '%s: the old value is served to nobody who asks afterwards, nor stored later',
    async (kind) => {
      for (let time = 0; time < TIMES; time++) {
        const { loads, invalidates, reads } = processes();
        const source = new Source<number>();
        const early = loads.load('tom', source.load, OPTIONS);
        await loads.clock.settle();
        await new RigSubject(invalidates).invalidate(kind, TOM);

        const during = reads.load('tom', source.load, OPTIONS);
        await loads.clock.settle();
        source.answer(0, 1);
        await loads.clock.settle();
        source.answer(1, 2);
        await loads.clock.advance(200);
        expect(await early).toBe(1);
        expect(await during).toBe(2);

        // And when the old load ends last, it does not write over the new one.
        for (const rig of [loads, reads, invalidates]) {
          expect(await rig.get('tom', OPTIONS)).toBe(2);
          expect(await rig.load('tom', () => 3, OPTIONS)).toBe(2);
        }
      }
    },
  );

  it.each([...INVALIDATIONS])('%s: a load that ends after everything else is over stores nothing old', async (kind) => {
    const { loads, invalidates, reads } = processes();
    const source = new Source<number>();
    const early = loads.load('tom', source.load, OPTIONS);
    await loads.clock.settle();
    await new RigSubject(invalidates).invalidate(kind, TOM);
    const during = reads.load('tom', source.load, OPTIONS);
    await loads.clock.settle();
    source.answer(1, 2);
    await loads.clock.advance(200);
    expect(await during).toBe(2);
    source.answer(0, 1);
    expect(await early).toBe(1);
    await loads.clock.settle();
    expect(await reads.get('tom', OPTIONS)).toBe(2);
  });
});
