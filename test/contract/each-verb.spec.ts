/** What is proven over every kind of client, and not only over one, still goes through every verb. */
import { expect, it } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { BACKEND_METHODS } from '../../lib/core/backend-factory.js';
import { backendContract } from '../../lib/testing/contract/backend-contract.js';
import { contractHarness } from '../../lib/testing/contract/harness.js';
import { chaos } from '../../lib/testing/chaos.js';
import { OF_EACH_VERB } from '../support/servers/contract-harness.js';

const cases = Object.values(backendContract).flat();

it('names cases that there are', () => {
  const names = new Set(cases.map(({ name }) => name));
  expect([...OF_EACH_VERB].filter((name) => !names.has(name))).toEqual([]);
});

it('asks every verb of a backend', async () => {
  const watched = chaos(memory());
  const harness = contractHarness(() => watched);
  for (const { name, run } of cases) if (OF_EACH_VERB.has(name)) await run(harness);
  // A case that closes a client is among them; chaos lets that pass uncounted.
  const { close: _close, ...counted } = BACKEND_METHODS;
  const verbs = Object.keys(counted) as (keyof typeof counted)[];
  expect(verbs.filter((verb) => watched.calls(verb) === 0)).toEqual([]);
});
