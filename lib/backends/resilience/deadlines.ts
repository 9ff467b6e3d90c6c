import type { Clock } from '../../core/clock.js';

/** Settled operations at the front that are worth a copy of the rest. */
const COMPACT_AFTER = 1_024;

/** A deadline takes so many steps: a step that is late shows that the process stood still, and for how long. */
const STEPS = 4;
/** Timers of a busy process are late by as much. */
const LATE_MS = 10;

/** An operation in progress. */
export interface Pending {
  dueMs: number;
  /** Undefined once it is settled: what has been answered must not be kept until it would have been due. */
  expire: (() => void) | undefined;
}

/**
 * One deadline for many operations that all may take equally long: they come due in the order they began, so a queue
 * and a single timer serve them all. A timer of its own for every read would cost more than the reading does.
 *
 * What counts is the time in which this process could have heard an answer. While a long computation holds it up it can
 * neither send nor read, and a healthy server would look unreachable: that time is added to the deadlines of what was
 * under way, though never more than a whole deadline from now on.
 */
export class Deadlines {
  private queue: Pending[] = [];
  private head = 0;
  private cancelTimer: (() => void) | undefined;
  /** When the timer should fire. */
  private wakesAtMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly afterMs: number,
  ) {}

  /** An operation begins. Unless it ends before it is due, it expires. */
  begin(expire: () => void): Pending {
    const pending: Pending = { dueMs: this.clock.monotonicMs() + this.afterMs, expire };
    this.queue.push(pending);
    if (this.cancelTimer === undefined) this.schedule(this.afterMs);
    return pending;
  }

  /** When it comes due, as far as is known now: no timer may have told yet that the process stood still. */
  dueMsOf({ dueMs }: Pending): number {
    const nowMs = this.clock.monotonicMs();
    return this.delayed(dueMs, nowMs, this.heldUpMs(nowMs));
  }

  /**
   * Whether it ended in time. What is over leaves the queue as soon as everything before it has: kept until it is due, it
   * would have grown old by the time it is collected, and at fifty thousand reads a second half of the time would go into
   * that.
   */
  end(pending: Pending): boolean {
    if (pending.expire === undefined) return false;
    pending.expire = undefined;
    const { queue } = this;
    while (this.head < queue.length && queue[this.head]?.expire === undefined) this.head++;
    if (this.head === queue.length) queue.length = this.head = 0;
    else if (this.head >= COMPACT_AFTER) {
      this.queue = queue.slice(this.head);
      this.head = 0;
    }
    return true;
  }

  /** The outcome of the work, or a rejection when it takes too long. The work itself goes on; its late outcome is dropped. */
  limit<T>(work: Promise<T>, error: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const pending = this.begin(() => reject(error()));
      const settle = <R>(how: (outcome: R) => void, outcome: R): void => {
        if (this.end(pending)) how(outcome);
      };
      work.then(
        (value) => settle(resolve, value),
        (reason: unknown) => settle(reject, reason),
      );
    });
  }

  /** Pending operations still get their deadline: the client may be the application's own, stay open and never answer. */
  close(): void {
    if (this.head < this.queue.length) return;
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private readonly due = (): void => {
    const nowMs = this.clock.monotonicMs();
    const heldUpMs = this.heldUpMs(nowMs);
    if (heldUpMs > 0)
      for (let at = this.head; at < this.queue.length; at++) {
        const pending = this.queue[at] as Pending;
        pending.dueMs = this.delayed(pending.dueMs, nowMs, heldUpMs);
      }
    // Counted, and not once more by a call that asks until then.
    this.wakesAtMs = Infinity;
    // Answers that arrived meanwhile wait in the socket: they are read first.
    void this.clock.breathe().then(() => this.expireDue(nowMs));
  };

  /** For how long the process stood still, of which no operation under way knows. */
  private heldUpMs(nowMs: number): number {
    const lateMs = this.cancelTimer === undefined ? 0 : nowMs - this.wakesAtMs;
    return lateMs > LATE_MS ? lateMs : 0;
  }

  private delayed(dueMs: number, nowMs: number, heldUpMs: number): number {
    return heldUpMs === 0 ? dueMs : Math.max(dueMs, Math.min(dueMs + heldUpMs, nowMs + this.afterMs));
  }

  private expireDue(nowMs: number): void {
    this.cancelTimer = undefined;
    let next: Pending | undefined;
    while ((next = this.queue[this.head]) !== undefined && (next.expire === undefined || next.dueMs <= nowMs)) {
      // `expire` may begin and end other operations synchronously.
      this.head++;
      const { expire } = next;
      next.expire = undefined;
      expire?.();
    }
    this.queue = this.queue.slice(this.head);
    this.head = 0;
    if (next !== undefined) this.schedule(next.dueMs - nowMs);
  }

  private schedule(inMs: number): void {
    // An operation begun by `expire` may have set a timer already.
    this.cancelTimer?.();
    const stepMs = Math.max(1, Math.min(inMs, this.afterMs / STEPS));
    this.wakesAtMs = this.clock.monotonicMs() + stepMs;
    this.cancelTimer = this.clock.after(stepMs, this.due);
  }
}
