/** What JavaScript, or a package compiled against an older contract, may hand over where a backend is meant. */
import { describe, expect, it } from '@jest/globals';
import { buildBackend, DEFAULT_CORE_SETTINGS, layFoundation } from '../../../lib/assemble.js';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { guarded } from '../../../lib/backends/resilience/guarded.js';
import type { BackendFactory, BackendParts } from '../../../lib/core/backend.js';
import { backendContract } from '../../../lib/testing/contract/backend-contract.js';
import { contractHarness, contractParts } from '../../../lib/testing/contract/harness.js';
import { errorOf } from '../../support/machine/rig.js';

/** A factory that makes what `create` returns. */
function making(create: (parts: BackendParts) => unknown): BackendFactory {
  return { kind: 'mine', create } as BackendFactory;
}

/** Memory as it was when the contract had one method less. */
function older(parts: BackendParts): unknown {
  const backend = memory().create(parts);
  return new Proxy(backend, { get: (target, name) => (name === 'readMany' ? undefined : Reflect.get(target, name)) });
}

const ALL =
  'kind, read, readMany, lease, renew, release, fill, write, writeMany, expire, increment, evict, invalidate, clear, ' +
  'clearEverything, removeMatching, scan, usage, info, ping, close';
const WHOLE = 'create() must return a whole backend; what it returned lacks';

const HALF_MADE: readonly (readonly [string, (parts: BackendParts) => unknown, string])[] = [
  ['nothing', () => undefined, `${WHOLE} ${ALL}`],
  ['an object without methods', () => ({ kind: 'mine' }), `${WHOLE} ${ALL.replace('kind, ', '')}`],
  ['a backend of an older contract', older, `${WHOLE} readMany`],
  [
    'a promise',
    async (parts) => memory().create(parts),
    'create() must return the backend itself; what it has to wait for belongs in open()',
  ],
];

describe.each(HALF_MADE)('a factory that makes %s is refused', (_, create, message) => {
  it('when the cache is built', () => {
    const foundation = layFoundation({ ...DEFAULT_CORE_SETTINGS, backend: making(create) });
    expect(() => buildBackend(foundation, undefined)).toThrow(`backend: ${message}`);
  });

  it('behind a guard, and as its fallback', () => {
    const parts = contractParts();
    expect(() => guarded(making(create)).create(parts)).toThrow(`guarded: ${message}`);
    const withFallback = guarded(memory(), { fallback: making(create) });
    expect(() => withFallback.create(parts)).toThrow(`guarded.fallback: ${message}`);
  });

  it('by the contract', async () => {
    const harness = contractHarness(() => making(create));
    const error = await errorOf(backendContract.reading[0]?.run(harness) ?? Promise.resolve());
    expect(error).toMatchObject({ code: 'CACHE_CONFIG', message: `contractHarness: ${message}` });
  });
});

describe('what is no factory is refused', () => {
  it.each([
    ['a backend', memory().create(contractParts())],
    ['nothing', undefined],
    ['an object', {}],
  ] as const)('by the contract: %s', async (_, store) => {
    const harness = contractHarness(() => store as never);
    const error = await errorOf(harness.open({ clients: 2, types: [] }));
    expect(error).toMatchObject({ code: 'CACHE_CONFIG' });
    expect(String(error)).toContain('contractHarness: must be a factory of backends');
  });

  it('by the contract, at once, when it is given a factory and not a function that makes one', () => {
    expect(() => contractHarness(memory() as never)).toThrow(
      'contractHarness: must be a function that makes the factory of an empty store: contractHarness(() => myStore())',
    );
  });
});
