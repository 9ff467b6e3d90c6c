import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { WakeQueue, type Sleeper } from '../../../lib/core/async/wake-queue.js';
import { FakeClock } from '../../../lib/testing/fake.clock.js';

/** Notes when it was woken. */
class Note implements Sleeper {
  dueMs = Infinity;
  place = -1;
  readonly wokenAtMs: number[] = [];

  constructor(private readonly onWake: (note: Note) => void = () => undefined) {}

  wake(): void {
    this.wokenAtMs.push(this.dueMs);
    this.onWake(this);
  }
}

describe('a queue of what is to be woken', () => {
  it('wakes each at its own moment, with one timer for all, and none when it is empty', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), ms: fc.integer({ min: 1, max: 50 }) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), ms: fc.nat(1_000) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 20 }) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = new FakeClock();
        const queue = new WakeQueue<Note>(clock);
        const waiting = new Map<Note, number>();
        const check = (note: Note): void => {
          expect(clock.monotonicMs()).toBe(waiting.get(note));
          waiting.delete(note);
        };
        for (const { kind, ms } of steps) {
          if (kind === 'add') {
            const note = new Note(check);
            waiting.set(note, clock.monotonicMs() + ms);
            queue.add(note, ms, clock.monotonicMs());
          } else if (kind === 'remove') {
            const note = [...waiting.keys()][ms % Math.max(1, waiting.size)];
            if (note !== undefined) queue.remove(note);
            if (note !== undefined) waiting.delete(note);
          } else {
            await clock.advance(ms);
            for (const dueMs of waiting.values()) expect(dueMs).toBeGreaterThan(clock.monotonicMs());
          }
          expect(clock.pendingTimers).toBe(waiting.size === 0 ? 0 : 1);
        }
        await clock.advance(50);
        expect([waiting.size, clock.pendingTimers]).toEqual([0, 0]);
      }),
      { numRuns: 60 },
    );
  });

  it('one that enters again when it is woken is woken again, and one that left meanwhile is not', async () => {
    const clock = new FakeClock();
    const queue = new WakeQueue<Note>(clock);
    const other = new Note();
    const note = new Note((one) => {
      queue.remove(other);
      if (one.wokenAtMs.length < 3) queue.add(one, 10, clock.monotonicMs());
    });
    const beganAtMs = clock.monotonicMs();
    queue.add(note, 10, beganAtMs);
    queue.add(other, 10, beganAtMs);
    queue.remove(new Note());
    await clock.advance(100);
    expect(note.wokenAtMs.map((ms) => ms - beganAtMs)).toEqual([10, 20, 30]);
    expect([other.wokenAtMs, clock.pendingTimers]).toEqual([[], 0]);
  });
});
