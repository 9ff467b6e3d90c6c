import type { Backend, Lease } from '../core/backend.js';
import type { Clock } from '../core/clock.js';
import { BackendError } from '../core/errors.js';
import type { Key } from '../core/keys/key.js';
import type { Limits } from '../core/limits.js';
import type { Policy } from '../core/policy.js';
import type { HeldLeases, LeaseHolder } from './held-leases.js';
import type { LoadContext } from './loader.js';
import type { Report } from './report.js';

export interface LoadWatchParts {
  readonly backend: Backend;
  readonly limits: Limits;
  readonly report: Report;
  readonly held: HeldLeases;
  /** Of the machine: a lease runs by the clock of the machine that granted it. */
  readonly machine: Clock;
}

/**
 * Renews the lease of a load every third of its life, until stopped or lost, and tells when the load takes longer than a
 * load may: then the lease is not renewed any more. Most loads end before the first renewal; they pay for one timer.
 */
export class LoadWatch implements LeaseHolder {
  /** Why nothing of the load is stored any more: it took longer than `maxLoad`, or the cache was closed meanwhile. */
  refusal: 'loader-too-long' | 'closed' | undefined;
  /** Of a load that no caller waits for: its loader is told to stop when the load is given up. */
  context: LoadContext | undefined;
  private isStopped: boolean;
  private readonly deadlineMs: number;
  private cancel: (() => void) | undefined = undefined;

  constructor(
    private readonly parts: LoadWatchParts,
    private readonly key: Key,
    policy: Policy,
    private lease: Lease | undefined,
    private readonly onOverdue: () => void,
  ) {
    const { held, limits, machine } = parts;
    const maxLoadMs = policy.maxLoadMs ?? limits.maxLoadMs;
    this.refusal = held.isClosed ? 'closed' : undefined;
    this.isStopped = false;
    this.deadlineMs = machine.monotonicMs() + maxLoadMs;
    if (lease !== undefined) held.holders.add(this);
    this.schedule(maxLoadMs);
  }

  stop(): void {
    const { held } = this.parts;
    this.isStopped = true;
    this.cancel?.();
    held.holders.delete(this);
    held.onEnd?.();
  }

  giveUp(): Lease | undefined {
    const { lease } = this;
    this.refusal = 'closed';
    this.isStopped = true;
    this.cancel?.();
    this.context?.abort(new BackendError('refresh', this.parts.backend.kind, { why: 'closed' }));
    return lease;
  }

  private schedule(leftMs: number): void {
    const { machine, limits } = this.parts;
    const pauseMs = this.lease === undefined ? leftMs : Math.min(leftMs, limits.leaseMs / 3);
    this.cancel = machine.after(pauseMs, () => void this.wake());
  }

  private async wake(): Promise<void> {
    const { machine } = this.parts;
    if (machine.monotonicMs() >= this.deadlineMs) {
      this.refusal = 'loader-too-long';
      this.stop();
      return this.onOverdue();
    }
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
