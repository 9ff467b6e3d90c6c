import { describe, it } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { guarded } from '../../lib/backends/resilience/guarded.js';
import type { BackendFactory } from '../../lib/core/backend.js';
import { chaos } from '../../lib/testing/chaos.js';
import { backendContract } from '../../lib/testing/contract/backend-contract.js';
import type { ContractCase, ContractHarness } from '../../lib/testing/contract/contract.js';
import { FakeClock } from '../../lib/testing/fake.clock.js';
import { backendParts } from '../support/machine/backends.js';

/** All clients of a store in memory are in one process and use one backend. */
function harness(factory: () => BackendFactory): ContractHarness {
  return {
    tickMs: 1,
    open: async ({ clients, types }) => {
      const clock = new FakeClock();
      const backend = factory().create(backendParts({ clock, types }));
      return {
        backends: Array.from({ length: clients }, () => backend),
        clock,
        pass: (ms) => clock.advance(ms),
        close: async () => backend.close(),
      };
    },
  };
}

describe.each([
  ['memory', harness(() => memory())],
  ['memory with quotas', harness(() => memory({ quota: {} }))],
  ['memory behind a guard', harness(() => guarded(memory()))],
  ['memory whose answers come late and out of order', harness(() => chaos(memory(), { turns: 3, seed: 7 }))],
])('%s keeps the contract of backends', (_, against) => {
  describe.each(Object.entries(backendContract))('%s', (_topic, cases) => {
    it.each([...cases])('$name', async (promise) => {
      await assertKept(promise, against);
    });
  });
});

/** Throws when the promise is broken. */
async function assertKept({ run }: ContractCase, against: ContractHarness): Promise<void> {
  await run(against);
}
