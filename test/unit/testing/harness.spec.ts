/** The contract as the author of another backend meets it: a backend, one function around it, and cases that turn red. */
import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { Backend, BackendFactory } from '../../../lib/core/backend.js';
import { CacheConfigError } from '../../../lib/core/errors.js';
import { backendContract } from '../../../lib/testing/contract/backend-contract.js';
import type { ContractCase } from '../../../lib/testing/contract/contract.js';
import { contractHarness, contractParts, type HarnessOptions } from '../../../lib/testing/contract/harness.js';
import { shared } from '../../support/machine/backends.js';
import { errorOf } from '../../support/machine/rig.js';

const CASES: readonly ContractCase[] = Object.values(backendContract).flat();

/** What work fails with, at once or later. */
function failure(work: () => unknown): Promise<unknown> {
  return errorOf((async () => work())());
}

/** Memory that does one thing differently. */
function mutant(change: (backend: Backend) => Partial<Backend>): BackendFactory {
  return {
    kind: 'memory',
    create(parts) {
      const backend = memory().create(parts);
      const changed = change(backend);
      return new Proxy(backend, {
        get: (target, name) => {
          const own: unknown = Reflect.get(changed, name) ?? Reflect.get(target, name, target);
          return typeof own === 'function' ? (own.bind(target) as unknown) : own;
        },
      });
    },
  };
}

/** Which of the cases a backend breaks. */
async function broken(factory: BackendFactory, cases: readonly ContractCase[]): Promise<readonly string[]> {
  const harness = contractHarness(() => factory);
  const names: string[] = [];
  for (const { name, run } of cases) await run(harness).catch(() => names.push(name));
  return names;
}

describe('a backend that breaks a promise turns its case red', () => {
  it.each<readonly [string, (backend: Backend) => Partial<Backend>, string]>([
    [
      'invalidates nothing',
      () => ({ invalidate: () => undefined }),
      'an invalidated entry is granted for, and shown to be gone',
    ],
    ['evicts nothing', () => ({ evict: (keys) => keys.length }), 'an evicted entry is gone for every client'],
    [
      'lets everybody load',
      (own) => ({ lease: (key, how) => own.lease(key, { ...how, purpose: 'replace' }) }),
      'a lease is held against every other client, under the token of its holder',
    ],
    ['renews what was lost', () => ({ renew: () => true }), 'a lease that was lost cannot be renewed'],
    [
      'removes no pattern',
      () => ({ removeMatching: () => 0 }),
      'removing by pattern counts and removes what matches in its view',
    ],
    ['clears nothing', () => ({ clear: () => 0 }), 'clearing a user covers all its namespaces'],
    [
      'lists nothing',
      () => ({ scan: () => ({ keys: [], cursor: undefined }) }),
      'keys are listed as they were given, their parts joined by colons',
    ],
  ])('%s', async (_, change, name) => {
    const cases = CASES.filter((one) => one.name === name);
    expect(await broken(memory(), cases)).toEqual([]);
    expect(await broken(mutant(change), cases)).toEqual([name]);
  });
});

describe('a harness', () => {
  const open = async (options?: HarnessOptions, factory: BackendFactory = memory()) =>
    contractHarness(() => factory, options).open({ clients: 2, types: [] });

  it('gives all clients one backend, on a clock that moves when told', async () => {
    const { backends, clock, pass, close } = await open();
    expect(backends).toHaveLength(2);
    expect(backends[0]).toBe(backends[1]);
    const beforeMs = clock.monotonicMs();
    await pass(60_000);
    expect(clock.monotonicMs() - beforeMs).toBe(60_000);
    await close();
  });

  it('gives each client a backend of its own when asked to, with one keyspace for all of them', async () => {
    const prefixes: string[] = [];
    const store = {
      kind: 'memory',
      create: (parts: Parameters<BackendFactory['create']>[0]) => {
        prefixes.push(parts.prefix);
        return memory().create(parts);
      },
    };
    const first = await open({ clients: 'each' }, store);
    expect(first.backends[0]).not.toBe(first.backends[1]);
    const second = await open({ clients: 'each' }, store);
    expect([prefixes.length, new Set(prefixes).size]).toEqual([4, 2]);
    await Promise.all([first.close(), second.close()]);
  });

  it('waits where time is that of a server', async () => {
    const { clock, pass, close } = await open({ tickMs: 5 });
    const beforeMs = clock.monotonicMs();
    await pass(5);
    expect(clock.monotonicMs() - beforeMs).toBeGreaterThanOrEqual(5);
    await close();
  });

  it('closes every client when one does not open', async () => {
    let closed = 0;
    const failing = mutant(() => ({
      open: () => {
        throw new Error('no store');
      },
      close: () => void closed++,
    }));
    expect(await failure(() => open({ clients: 'each' }, failing))).toMatchObject({ message: 'no store' });
    expect(closed).toBe(2);
  });

  it('names the option that is none, or cannot work', async () => {
    for (const [options, option] of [
      [{ typo: 1 }, 'contractHarness.typo'],
      [{ clients: 'many' }, 'contractHarness.clients'],
      [{ tickMs: 0 }, 'contractHarness.tickMs'],
    ] as const) {
      const error = await failure(() => contractHarness(() => memory(), options as HarnessOptions));
      expect(error).toBeInstanceOf(CacheConfigError);
      expect((error as CacheConfigError).option).toBe(option);
    }
  });
});

describe('the parts of a contract', () => {
  it('have the codec that a cache would give, made once, and the default limits', async () => {
    const parts = contractParts({ prefix: 'own' });
    expect(parts.codec()).toBe(parts.codec());
    expect(parts.limits.maxValueBytes).toBe(1_048_576);
    const { backends, close } = await contractHarness(() => shared(memory())).open({ clients: 1, types: [] });
    expect((await backends[0]?.info())?.kind).toBe('memory');
    await close();
  });

  it('name the option that is none', async () => {
    expect(await failure(() => contractParts({ typo: 1 } as object))).toMatchObject({ option: 'contractParts.typo' });
  });
});
