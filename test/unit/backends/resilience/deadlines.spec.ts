import { describe, expect, it } from '@jest/globals';
import { Deadlines } from '../../../../lib/backends/resilience/deadlines.js';
import { Deferred } from '../../../support/machine/rig.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';

/** What the deadlines hold on to: places in their queue. */
const heldBy = (deadlines: Deadlines): number => (deadlines as unknown as { queue: unknown[] }).queue.length;
const timersOf = (clock: FakeClock): number => (clock as unknown as { timers: unknown[] }).timers.length;
const late = (): Error => new Error('late');

describe('deadlines', () => {
  it('what has answered leaves the queue at once, not when it would have been due', async () => {
    const deadlines = new Deadlines(new FakeClock(), 250);
    for (let call = 0; call < 5_000; call++) expect(await deadlines.limit(Promise.resolve(call), late)).toBe(call);
    expect(heldBy(deadlines)).toBe(0);
  });

  it('an operation begun by one that expires adds no timer', async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock, 250);
    const late: string[] = [];
    deadlines.begin(() => {
      deadlines.begin(() => void late.push('of the last'));
    });
    await clock.advance(10);
    deadlines.begin(() => void late.push('of the second'));
    await clock.advance(240);
    expect(timersOf(clock)).toBe(1);
    await clock.advance(10);
    expect(late).toEqual(['of the second']);
    await clock.advance(240);
    expect(late).toEqual(['of the second', 'of the last']);
    expect(timersOf(clock)).toBe(0);
  });

  it('end with the last pending operation, not before', async () => {
    const clock = new FakeClock();
    const [busy, idle] = [new Deadlines(clock, 250), new Deadlines(clock, 250)];
    const stuck = busy.limit(new Promise(() => undefined), late).catch((error: Error) => error.message);
    await idle.limit(Promise.resolve(1), late);
    for (const deadlines of [busy, idle]) deadlines.close();
    expect(timersOf(clock)).toBe(1);
    await clock.advance(250);
    expect(await stuck).toBe('late');
    expect(timersOf(clock)).toBe(0);
  });

  it('one that does not answer keeps back those behind it, at most until it is due', async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock, 250);
    const stuck = deadlines.limit(new Promise(() => undefined), late).catch((error: Error) => error.message);
    for (let call = 0; call < 3_000; call++) await deadlines.limit(Promise.resolve(call), late);
    await clock.advance(251);
    expect(await stuck).toBe('late');
    expect(heldBy(deadlines)).toBe(0);
  });

  it('A75: time in which nothing was heard counts once, also while what has arrived is being read', async () => {
    const clock = new FakeClock();
    const read = new Deferred<void>();
    const standing = Object.assign(Object.create(clock) as FakeClock, { breathe: () => read.promise });
    const timers: (() => void)[] = [];
    let nowMs = 0;
    standing.monotonicMs = () => nowMs;
    standing.after = (_, callback) => {
      timers.push(callback);
      return () => undefined;
    };
    const deadlines = new Deadlines(standing, 250);
    const pending = deadlines.begin(() => undefined);
    nowMs = 150;
    timers.shift()?.();
    const dueMs = deadlines.dueMsOf(pending);
    read.resolve();
    await clock.settle();
    // What a server is told to do by then must not be done after its caller has got an error.
    expect(deadlines.dueMsOf(pending)).toBe(dueMs);
  });
});
