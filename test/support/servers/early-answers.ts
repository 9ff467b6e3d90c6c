/** Callers are answered while their value is on its way to a server, and what it means that it is not there yet. */
import { expect } from '@jest/globals';
import type { Clock } from '../../../lib/core/clock.js';
import type { Rig } from '../machine/rig.js';

/** The line of one process to the server. */
export interface Line {
  freeze(): void;
  thaw(): void;
}

const EARLY = { answerEarly: true, tags: ['cats'] } as const;

/** @param direct another process, whose line is not halted */
export async function proveEarlyAnswer(rig: Rig<Clock>, line: Line, direct: Rig<Clock>): Promise<void> {
  const halted = (name: string): Promise<{ name: string }> =>
    rig.load(
      name,
      () => {
        line.freeze();
        return { name };
      },
      EARLY,
    );
  const mine = await halted('tom');
  expect(mine).toEqual({ name: 'tom' });
  expect(await direct.get('tom')).toBeUndefined();
  mine.name = 'changed by its caller';
  const inProcess = [rig.get('tom'), rig.load('tom', () => ({ name: 'loaded again' }), EARLY)];
  line.thaw();
  expect(await Promise.all(inProcess)).toEqual([{ name: 'tom' }, { name: 'tom' }]);
  expect(await rig.get('tom')).toEqual({ name: 'tom' });
  expect(await direct.get('tom')).toEqual({ name: 'tom' });
}

/** Whatever is invalidated between answer and store: the value that is on its way is not valid. */
export async function proveLateStoreLoses(rig: Rig<Clock>, line: Line, direct: Rig<Clock>): Promise<void> {
  for (const [name, invalidate] of [
    ['by tag elsewhere', () => direct.invalidateTag('cats')],
    ['by name elsewhere', () => direct.evict('by name elsewhere')],
    ['all of it elsewhere', () => direct.clear()],
    ['set elsewhere', () => direct.set('set elsewhere', 'set')],
  ] as const) {
    await rig.load(name, () => (line.freeze(), 'old'), EARLY);
    await invalidate();
    line.thaw();
    const expected = name === 'set elsewhere' ? 'set' : undefined;
    expect([name, await rig.get(name)]).toEqual([name, expected]);
    expect([name, await direct.get(name)]).toEqual([name, expected]);
  }
  await rig.load('here', () => (line.freeze(), 'old'), EARLY);
  const invalidated = rig.invalidateTag('cats');
  line.thaw();
  await invalidated;
  expect(await rig.get('here')).toBeUndefined();
  expect(await direct.get('here')).toBeUndefined();
}
