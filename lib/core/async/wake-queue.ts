import type { Clock } from '../clock.js';

/** What is to be woken at a time of its own. */
export interface Sleeper {
  /** When it is due. Set by the queue. */
  dueMs: number;
  /** Its place in the queue; -1: it is in none. Set by the queue. */
  place: number;
  /** It is due, and has left the queue. Must not throw. */
  wake(): void;
}

/**
 * Wakes many by one timer, each when it is due. Nearly all leave before that: a timer for each load was half of what a
 * load in memory cost. A heap, since most are due in the order in which they came: to enter is then one comparison.
 */
export class WakeQueue<S extends Sleeper> {
  private readonly heap: S[] = [];
  private cancelTimer: (() => void) | undefined = undefined;
  /** When the timer fires. */
  private firesAtMs = Infinity;

  constructor(private readonly clock: Clock) {}

  /** @param nowMs on the clock of the queue */
  add(sleeper: S, inMs: number, nowMs: number): void {
    const { heap } = this;
    sleeper.dueMs = nowMs + inMs;
    sleeper.place = heap.push(sleeper) - 1;
    if (heap.length > 1) this.rise(sleeper, sleeper.place);
    if (sleeper.dueMs >= this.firesAtMs) return;
    this.cancelTimer?.();
    this.firesAtMs = sleeper.dueMs;
    this.cancelTimer = this.clock.after(inMs, this.fire);
  }

  /** Without effect for one that is not in it. */
  remove(sleeper: S): void {
    const { heap } = this;
    const { place } = sleeper;
    if (place === -1) return;
    sleeper.place = -1;
    const last = heap.pop() as S;
    if (last !== sleeper) this.rise(last, this.sink(last, place));
    if (heap.length > 0) return;
    // A timer that nothing waits for would be one more thing that a test, or the end of a process, has to know of.
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.firesAtMs = Infinity;
  }

  /** Those that are due. One that is woken may enter again; it is due later than now, so this ends. */
  private readonly fire = (): void => {
    this.cancelTimer = undefined;
    this.firesAtMs = Infinity;
    const nowMs = this.clock.monotonicMs();
    let next: S | undefined;
    while ((next = this.heap[0]) !== undefined && next.dueMs <= nowMs) {
      this.remove(next);
      next.wake();
    }
    if (next === undefined) return;
    this.firesAtMs = next.dueMs;
    this.cancelTimer = this.clock.after(next.dueMs - nowMs, this.fire);
  };

  /** Puts one at `place`, or before whatever is due later. */
  private rise(sleeper: S, from: number): void {
    const { heap } = this;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = heap[above] as S;
      if (other.dueMs <= sleeper.dueMs) break;
      heap[place] = other;
      other.place = place;
      place = above;
    }
    heap[place] = sleeper;
    sleeper.place = place;
  }

  /** Moves up what is due sooner than one that is to be put at `place`; where that belongs then. */
  private sink(sleeper: S, from: number): number {
    const { heap } = this;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) return place;
      if (below + 1 < heap.length && (heap[below + 1] as S).dueMs < (heap[below] as S).dueMs) below++;
      const other = heap[below] as S;
      if (other.dueMs >= sleeper.dueMs) return place;
      heap[place] = other;
      other.place = place;
      place = below;
    }
  }
}
