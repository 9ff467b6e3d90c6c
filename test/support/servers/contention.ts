/** Very many calls of several machines that change one key at once. */
import { expect } from '@jest/globals';
import type { Clock } from '../../../lib/core/clock.js';
import type { Rig } from '../machine/rig.js';
import { soaking } from '../soak.js';

const CALLS = 200;
const ROUNDS = soaking(10, 2);

/** Each round counts a key of its own: it begins in the middle of the crowd. */
export async function proveCounting(rigs: readonly Rig<Clock>[]): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const key = `round ${round}`;
    const [alone, ...others] = rigs as readonly [Rig<Clock>, ...Rig<Clock>[]];
    const counted = async (rig: Rig<Clock>, times: number, by: number): Promise<readonly number[]> =>
      Promise.all(
        Array.from({ length: times }, () => rig.machine.engine.writes.increment(rig.key(key), by, rig.policy())),
      );
    expect(await counted(alone, CALLS, 1)).toEqual(Array.from({ length: CALLS }, (_, at) => at + 1));
    const [ups, more] = await Promise.all([
      Promise.all(others.map((rig) => counted(rig, CALLS / 2, 3))),
      counted(alone, CALLS / 2, 1),
    ]);
    expect(new Set([...ups.flat(), ...more]).size).toBe(CALLS * 1.5);
    const all = CALLS * 4.5;
    expect(await counted(alone, 3, -2)).toEqual([all - 2, all - 4, all - 6]);
    expect(await alone.get(key)).toBe(all - 6);
  }
  for (const rig of rigs) expect(rig.recorded.of('error')).toEqual([]);
}

/** Nothing here counts on an order, only on being done. */
export async function proveMixed(rigs: readonly Rig<Clock>[]): Promise<void> {
  const calls = rigs.flatMap((rig, which) =>
    Array.from({ length: soaking(30, 6) }, (_, at) => [
      rig.set('cat', at),
      rig.evict('cat'),
      rig.put('cat', () => at),
      rig.load('cat', () => `${which}/${at}`),
      rig.machine.engine.writes.setMany([
        [rig.key('cat'), at, rig.policy()],
        [rig.key('dog'), at, rig.policy()],
      ]),
    ]),
  );
  await Promise.all(calls.flat());
  for (const rig of rigs) expect(rig.recorded.of('error')).toEqual([]);
}
