// One of several processes that ask for the same cold key at the same moment: how often its loader ran, and what was answered.
import { once } from 'node:events';
import { backendAt } from './backend-at.mjs';

const [url, prefix, callers, near] = process.argv.slice(2);
const { assemble } = await import('../machine/assemble.ts');
const backend = await backendAt(url, { timeout: '5s', near: near === undefined ? undefined : JSON.parse(near) });
const { DEFAULT_POLICY } = await import('../../../lib/core/policy.ts');

const machine = assemble({ backend, prefix });
await machine.backend.open();
const key = machine.keyFactory.key(
  machine.keyFactory.space(machine.scopes.of({ tenant: 'acme' }), 'tenant', 'cats'),
  ['cold'],
  undefined,
);
let loads = 0;
const loader = async () => {
  loads++;
  await new Promise((resolve) => setTimeout(resolve, 400));
  return `loaded by ${process.pid}`;
};
process.send('ready');
await once(process, 'message');
const answers = await Promise.all(
  Array.from({ length: Number(callers) }, () =>
    machine.engine.getOrSet({ key, policy: DEFAULT_POLICY, loader, frame: undefined }),
  ),
);
await machine.close();
process.send({ loads, answers: [...new Set(answers)] });
process.disconnect();
