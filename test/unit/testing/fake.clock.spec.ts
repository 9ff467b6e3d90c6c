import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../../lib/testing/fake.clock.js';

describe('a fake clock', () => {
  it('stands still until it is moved', async () => {
    const clock = new FakeClock({ wallMs: 5_000 });
    expect(clock.nowMs()).toBe(5_000);
    await clock.settle();
    expect(clock.nowMs()).toBe(5_000);
    await clock.advance(250);
    expect(clock.nowMs()).toBe(5_250);
  });

  it('fires timers in the order in which they are due, each at its moment', async () => {
    const clock = new FakeClock();
    const start = clock.monotonicMs();
    const fired: string[] = [];
    const note = (name: string) => () => fired.push(`${name} at ${clock.monotonicMs() - start}`);
    clock.after(30, note('c'));
    clock.after(10, note('a'));
    clock.after(10, note('b'));
    clock.after(40, note('late'));
    await clock.advance(30);
    expect(fired).toEqual(['a at 10', 'b at 10', 'c at 30']);
    expect(clock.pendingTimers).toBe(1);
  });

  it('fires what timers and promises set on the way, if it is due by then', async () => {
    const clock = new FakeClock();
    const fired: number[] = [];
    const again = async (): Promise<void> => {
      fired.push(clock.monotonicMs());
      await clock.sleep(10);
      await again();
    };
    void again();
    await clock.advance(35);
    expect(fired.map((at) => at - (fired[0] ?? 0))).toEqual([0, 10, 20, 30]);
  });

  it('does not fire what was cancelled', async () => {
    const clock = new FakeClock();
    let isFired = false;
    const cancel = clock.after(10, () => (isFired = true));
    cancel();
    cancel();
    await clock.advance(20);
    expect(isFired).toBe(false);
  });

  it('a wall that jumps does not touch monotonic time, nor what waits for it', async () => {
    const clock = new FakeClock({ wallMs: 0 });
    const before = clock.monotonicMs();
    let isFired = false;
    clock.after(10, () => (isFired = true));
    clock.jumpWall(3_600_000);
    await clock.settle();
    expect(isFired).toBe(false);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([3_600_000, before]);
    clock.jumpWall(-7_200_000);
    await clock.advance(10);
    expect(isFired).toBe(true);
    expect(clock.nowMs()).toBe(-3_599_990);
  });

  it('gives others a real turn when work breathes', async () => {
    const clock = new FakeClock();
    let isOthersTurn = false;
    setImmediate(() => (isOthersTurn = true));
    await clock.breathe();
    expect(isOthersTurn).toBe(true);
  });
});
