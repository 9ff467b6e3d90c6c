import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.js';

/** Signs of life that may be missing in a row. */
const PATIENCE = 3;

/** What a pulse is for. */
export interface PulseEvents {
  /** Sends a sign of life by the way that messages come. */
  send(sign: string): Promise<void>;
  /** None came back for too long. */
  onSilence(): void;
}

/** Signs of life on one connection: they tell silence from death (guarantee G5). */
export class Pulse {
  /** What our sign looks like; nobody else knows it. */
  private readonly sign = `h|${randomBytes(9).toString('base64url')}|`;
  private heardAtMs = 0;
  private cancelBeat: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly everyMs: number,
    private readonly events: PulseEvents,
  ) {}

  begin(): void {
    this.end();
    this.heardAtMs = this.clock.monotonicMs();
    this.beat();
  }

  end(): void {
    this.cancelBeat?.();
    this.cancelBeat = undefined;
  }

  /** Whether this is our sign, which is heard by that. */
  takes(text: string): boolean {
    if (text !== this.sign) return false;
    this.heardAtMs = this.clock.monotonicMs();
    return true;
  }

  /** Every so often one is sent; what matters is when one was last heard. A process that was paused finds that it is too long ago. */
  private beat(): void {
    if (this.clock.monotonicMs() - this.heardAtMs > PATIENCE * this.everyMs) {
      this.end();
      this.events.onSilence();
      return;
    }
    this.cancelBeat = this.clock.after(this.everyMs, () => this.beat());
    // What cannot be sent does not come back either, and is noticed by that.
    this.events.send(this.sign).catch(() => undefined);
  }
}
