/** Loads that take longer than callers used to wait, asked for by several machines at once. */
import { expect } from '@jest/globals';
import type { Clock } from '../../../lib/core/clock.js';
import type { LimitOptions } from '../../../lib/core/limits.js';
import type { PolicyOptions } from '../../../lib/core/policy.js';
import { type Rig, Source } from '../machine/rig.js';
import { pause, randomPrefix, until } from '../redis/redis-process.js';
import { soaking } from '../soak.js';

/** Leases are renewed several times while a load takes so long, and outlive a turn in which a loaded machine renews none. */
export const LONG_LOADS: { readonly limits: LimitOptions; readonly options: PolicyOptions; readonly loadMs: number } =
  soaking(
    { limits: {}, options: {}, loadMs: 13_000 },
    { limits: { lease: 1_000, maxWait: 400 }, options: { maxWait: '30s' }, loadMs: 1_500 },
  );
/** Longer than any test waits. */
const PATIENT: PolicyOptions = { maxWait: '2m' };
const SHORT_LEASE_MS = 300;

const name = (what: string): string => `${what} ${randomPrefix()}`;

/** Three callers on each of the machines ask for one answer. */
export async function proveOneLoad(rigs: readonly Rig<Clock>[]): Promise<void> {
  let loads = 0;
  const key = name('long');
  const load = async (): Promise<string> => {
    loads++;
    await pause(LONG_LOADS.loadMs);
    return 'Tom';
  };
  const asked = rigs.flatMap((rig) => [1, 2, 3].map(() => rig.load(key, load, LONG_LOADS.options)));
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['Tom']));
  expect(loads).toBe(1);
}

/** A lease that is no longer renewed, and one whose load goes beyond its `maxLoad`, are both taken over. */
export async function proveTakeover(first: Rig<Clock>, second: Rig<Clock>): Promise<void> {
  const [dead, slow] = [name('dead'), name('slow')];
  const held = await first.backend.lease(first.key(dead), { leaseMs: SHORT_LEASE_MS, purpose: 'missing' });
  expect(held.kind).toBe('granted');
  const source = new Source<string>();
  const late = first.load(slow, source.load, { maxLoad: SHORT_LEASE_MS });
  await until('it is loading', () => source.calls.length === 1);
  const taken = [dead, slow].map((each) => second.load(each, () => 'by the second', PATIENT));
  expect(await Promise.all(taken)).toEqual(['by the second', 'by the second']);
  source.answer(0, 'by the first');
  expect(await late).toBe('by the first');
  expect(await second.load(slow, () => 'anew')).toBe('by the second');
}
