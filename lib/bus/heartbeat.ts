import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.js';

/** Heartbeats that may be missing in a row. */
const MAX_MISSED = 3;

/** How a heartbeat is sent, and what happens when it does not come back. */
export interface HeartbeatEvents {
  /** Sends a heartbeat by the way that messages take. */
  send(sign: string): Promise<void>;
  /** No heartbeat came back for too long. */
  onSilence(): void;
}

/** Heartbeats on one connection: they tell an idle connection from a dead one (guarantee G5). */
export class Heartbeat {
  /** The text of our heartbeats: no other process can guess it. */
  private readonly sign = `h|${randomBytes(9).toString('base64url')}|`;
  private receivedAtMs = 0;
  private cancelBeat: (() => void) | undefined;
  /** When the next one is to be sent. */
  private dueMs = 0;
  /** Time in which this process stood still has been left out since one was received. */
  private isExcused = false;

  constructor(
    private readonly clock: Clock,
    private readonly everyMs: number,
    private readonly events: HeartbeatEvents,
  ) {}

  start(): void {
    this.stop();
    this.receivedAtMs = this.dueMs = this.clock.monotonicMs();
    this.isExcused = false;
    this.beat();
  }

  stop(): void {
    this.cancelBeat?.();
    this.cancelBeat = undefined;
  }

  /** Whether this is our heartbeat; then it counts as received. */
  receive(text: string): boolean {
    if (text !== this.sign) return false;
    this.isExcused = false;
    this.receivedAtMs = this.clock.monotonicMs();
    return true;
  }

  /** Sends one per interval; what decides is when one was last received. */
  private beat(): void {
    const nowMs = this.clock.monotonicMs();
    this.excuse(nowMs);
    if (nowMs - this.receivedAtMs > MAX_MISSED * this.everyMs) {
      this.stop();
      this.events.onSilence();
      return;
    }
    this.dueMs = nowMs + this.everyMs;
    this.cancelBeat = this.clock.after(this.everyMs, () => this.beat());
    // A heartbeat that cannot be sent does not come back, and is noticed by that.
    this.events.send(this.sign).catch(() => undefined);
  }

  /**
   * A process that computes for long sends none and so misses none: that time is left out, up to what leaves one interval
   * for the next to come back. Only once until it has: a process that stands still all the time would notice nothing.
   */
  private excuse(nowMs: number): void {
    const lateMs = nowMs - this.dueMs;
    if (lateMs <= 0 || this.isExcused) return;
    const excusedMs = Math.min(this.receivedAtMs + lateMs, nowMs - (MAX_MISSED - 1) * this.everyMs);
    if (excusedMs <= this.receivedAtMs) return;
    this.isExcused = nowMs - this.receivedAtMs > MAX_MISSED * this.everyMs;
    this.receivedAtMs = excusedMs;
  }
}
