/** Callers in the stacks of what loaders throw, in this process alone. With servers: test/redis/stack-traces.spec.ts. */
import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/index.js';
import { chaos } from '../../../lib/testing.js';
import { CALLER, proveTraces, thrownBy } from '../../support/machine/prove-traces.js';
import { lead } from '../../support/machine/leading-callers.js';
import { Rig } from '../../support/machine/rig.js';

const BACKENDS = [
  ['in memory', () => memory()],
  ['a backend that answers asynchronously', () => chaos(memory())],
] as const;

describe('a cache that is switched off', () => {
  proveTraces(() => memory(), { enabled: false });
});

it.each([
  ['found nothing', () => undefined],
  ['failed', (backend: ReturnType<typeof chaos>) => backend.failNext('read')],
])('the function that asked the backend is in the stack as well, where its read %s', async (_, prepare) => {
  const backend = chaos(memory());
  const rig = new Rig({ backend });
  prepare(backend);
  const load = async (): Promise<never> => {
    await undefined;
    throw new Error('no such row');
  };
  const { error, frames } = await thrownBy(() => lead(() => rig.load('tom', load)));
  expect(error.message).toBe('no such row');
  // It awaits what it returns: otherwise it is left out.
  expect(frames).toContainEqual(expect.stringContaining('CacheEngine.getOrSetLater'));
  expect(frames).toContainEqual(CALLER);
});

describe.each(BACKENDS)('%s', (_, backend) => {
  proveTraces(backend);

  it('shows who called where a value past its ttl could have stood in until a moment ago', async () => {
    const rig = new Rig({ backend: backend() });
    const policy = { staleIfError: '1h', softTimeout: '1d' } as const;
    await rig.set('tom', 'old', { ttl: 1, staleIfError: '1h' });
    await rig.clock.advance(1);
    const load = async (): Promise<never> => {
      await rig.clock.advance(7_200_000);
      throw new Error('no such row');
    };
    const { error, frames } = await thrownBy(() => lead(() => rig.load('tom', load, policy)));
    expect(error.message).toBe('no such row');
    expect(frames).toContainEqual(CALLER);
  });
});
