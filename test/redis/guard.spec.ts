import { expect, it } from '@jest/globals';
import { GuardedBackend } from '../../lib/backends/guarded.backend.js';
import { resolveGuardOptions } from '../../lib/backends/guarded.options.js';
import { memory } from '../../lib/backends/memory.backend.js';
import type { Backend } from '../../lib/core/backend.js';
import { BackendError } from '../../lib/core/errors.js';
import { FakeClock } from '../../lib/testing/fake.clock.js';
import { backendParts } from '../support/machine/backends.js';
import { Deferred, Rig } from '../support/machine/rig.js';

it('G8: whoever reads after an invalidation was not confirmed waits until it is', async () => {
  const clock = new FakeClock();
  const parts = backendParts({ clock });
  const inner = memory().create(parts) as Backend;
  const said: string[] = [];
  const repeated = new Deferred<number>();
  let isAway = true;
  const stand: Partial<Backend> = {
    kind: 'stand-in',
    evict: () => {
      said.push('evict');
      return isAway ? Promise.reject(new BackendError('evict', 'stand-in')) : repeated.promise;
    },
    read: (key) => {
      said.push('read');
      return inner.read(key);
    },
    ping: () => undefined,
  };
  const guarded = new GuardedBackend(stand as Backend, resolveGuardOptions({ invalidationTimeout: 1 }, 'x'), parts);
  const key = new Rig({ clock }).key('cat');
  await expect(guarded.evict([key])).rejects.toThrow('evict');
  isAway = false;
  const reading = guarded.read(key);
  await clock.settle();
  expect(said).toEqual(['evict', 'evict']);
  repeated.resolve(1);
  await reading;
  expect(said).toEqual(['evict', 'evict', 'read']);
});
