import { expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { Backend, BackendFactory } from '../../../lib/core/backend.js';
import { systemClock } from '../../../lib/core/clock.js';
import { UnansweredError } from '../../../lib/core/errors.js';
import { Rig } from '../../support/machine/rig.js';

it('A101: an outage met by a lease that was asked for at once is told as one of a lease', async () => {
  let isAway = false;
  let reads = 0;
  const later: BackendFactory = {
    kind: 'later',
    create: (parts) => {
      const inner = memory().create(parts);
      const read: Backend['read'] = async (...args) => {
        reads++;
        return inner.read(...args);
      };
      const lease: Backend['lease'] = async (...args) => {
        if (isAway) throw new UnansweredError('lease', 'no answer in time', 'later');
        return inner.lease(...args);
      };
      return Object.assign(Object.create(inner) as Backend, { leasesInOneTrip: true, read, lease });
    },
  };
  const rig = new Rig({ backend: later, clock: systemClock });
  for (let miss = 0; miss < 14; miss++) await rig.load(`m${miss}`, () => miss);
  isAway = true;
  const before = reads;
  expect(await rig.load('x', () => 'X')).toBe('X');
  expect(reads - before).toBe(0);
  expect(rig.recorded.of('error').map(({ operation }) => operation)).toEqual(['lease']);
});
