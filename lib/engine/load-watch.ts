import type { Backend, Lease } from '../core/backend.js';
import type { Clock } from '../core/clock.js';
import type { Key } from '../core/keys/key.js';
import type { Limits } from '../core/limits.js';
import type { Report } from './report.js';

export interface LoadWatchParts {
  readonly backend: Backend;
  readonly limits: Limits;
  readonly report: Report;
  /** Of the machine: a lease runs by the clock of the machine that granted it. */
  readonly machine: Clock;
}

/**
 * Renews the lease of a load every third of its life, until stopped or lost, and tells when the load takes longer than a
 * load may: then the lease is not renewed any more. Most loads end before the first renewal; they pay for one timer.
 */
export class LoadWatch {
  /** The load took longer than `limits.maxLoad`. */
  isLate: boolean;
  private isStopped: boolean;
  private readonly deadlineMs: number;
  private cancel: (() => void) | undefined = undefined;

  constructor(
    private readonly parts: LoadWatchParts,
    private readonly key: Key,
    private lease: Lease | undefined,
    private readonly onOverdue: () => void,
  ) {
    this.isLate = false;
    this.isStopped = false;
    this.deadlineMs = parts.machine.monotonicMs() + parts.limits.maxLoadMs;
    this.schedule(parts.limits.maxLoadMs);
  }

  stop(): void {
    this.isStopped = true;
    this.cancel?.();
  }

  private schedule(leftMs: number): void {
    const { machine, limits } = this.parts;
    const pauseMs = this.lease === undefined ? leftMs : Math.min(leftMs, limits.leaseMs / 3);
    this.cancel = machine.after(pauseMs, () => void this.wake());
  }

  private async wake(): Promise<void> {
    const { machine } = this.parts;
    this.isLate = machine.monotonicMs() >= this.deadlineMs;
    if (this.isLate) return this.onOverdue();
    await this.renew();
    if (!this.isStopped) this.schedule(Math.max(1, this.deadlineMs - machine.monotonicMs()));
  }

  private async renew(): Promise<void> {
    const { backend, limits, report } = this.parts;
    if (this.lease === undefined) return;
    try {
      if (!(await backend.renew(this.lease, limits.leaseMs))) this.lease = undefined;
    } catch (error) {
      // Tried again a third later; the fill finds out whether the lease survived.
      report.failure(this.key.space, 'renew', backend.kind, error);
    }
  }
}
