import { expect } from '@jest/globals';
import type { Clock } from '../../../lib/core/clock.js';
import type { Rig } from '../machine/rig.js';

/** So long a report is rendered, or a large body parsed: longer than a connection that owes an answer may be silent. */
const BUSY_MS = 1_300;
const NAMES = Array.from({ length: 30 }, (_, at) => at);
const TROUBLE: ReadonlySet<string> = new Set(['error', 'warning', 'bypass', 'refused']);

/** As a long computation does: no timer fires, nothing is read and nothing is sent. */
function compute(): void {
  const untilMs = performance.now() + BUSY_MS;
  while (performance.now() < untilMs);
}

/**
 * What is called right before a long computation comes to what it would come to without: over each of the machines, in the
 * same computation.
 */
export async function proveBusy(machines: Readonly<Record<string, Rig<Clock>>>): Promise<void> {
  const rigs = Object.entries(machines);
  for (const [, rig] of rigs) {
    for (const name of [...NAMES, 'old']) await rig.set(name, `value ${name}`, { tags: ['x'] });
    rig.recorded.clear();
  }
  const loads: string[] = [];
  const begun = rigs.map(([kind, rig]) => Promise.allSettled(callsOf(rig, () => loads.push(kind))));
  compute();
  const values = NAMES.map((name) => `value ${name}`);
  const fine = [...values, 1, undefined, 2, true, values, 'loaded'].map((value) => ({ status: 'fulfilled', value }));
  const outcomes = await Promise.all(begun);
  expect(Object.fromEntries(rigs.map(([kind], at) => [kind, outcomes[at]]))).toEqual(
    Object.fromEntries(rigs.map(([kind]) => [kind, fine])),
  );
  expect(loads).toEqual([]);
  const invalidated = rigs.map(([, rig]) => rig.invalidateTag('x'));
  compute();
  await Promise.all(invalidated);
  for (const [kind, rig] of rigs) {
    const [kept, gone] = [await rig.get('new'), await rig.get(2)];
    const trouble = rig.recorded.events.filter(({ type }) => TROUBLE.has(type));
    expect([kind, kept, gone, trouble]).toEqual([kind, 'stored', undefined, []]);
  }
}

function callsOf(rig: Rig<Clock>, onLoad: () => void): Promise<unknown>[] {
  const { engine } = rig.machine;
  const { writes } = engine;
  const all = NAMES.map((name) => ({ key: rig.key(name), policy: rig.policy(), frame: undefined }));
  return [
    ...NAMES.map((name) => rig.load<unknown>(name, onLoad)),
    writes.evict([rig.key('old')]),
    rig.set('new', 'stored'),
    writes.increment(rig.key('n'), 2, rig.policy()),
    writes.expire(rig.key(1), 60_000, rig.policy()),
    engine.getMany(all),
    rig.load<unknown>('missing', () => 'loaded'),
  ];
}
