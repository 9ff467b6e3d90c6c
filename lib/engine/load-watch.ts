import type { Backend, Lease } from '../core/backend.js';
import type { Clock } from '../core/clock.js';
import { BackendError } from '../core/errors.js';
import type { Space } from '../core/keys/space.js';
import type { Limits } from '../core/limits.js';
import type { Policy } from '../core/policy.js';
import type { HeldLeases, LeaseHolder } from './held-leases.js';
import type { LoadContext } from './loader.js';
import type { Report } from './report.js';
import type { Sleeper, WakeQueue } from '../core/async/wake-queue.js';

export interface LoadWatchParts {
  readonly backend: Backend;
  readonly limits: Limits;
  readonly report: Report;
  readonly held: HeldLeases;
  /** Of the machine: a lease runs by the clock of the machine that granted it. */
  readonly machine: Clock;
  /** Of all loads, by the clock of the machine. */
  readonly queue: WakeQueue<Sleeper>;
}

/** What is watched: a load, or a put. */
export interface Watched {
  readonly call: { readonly key: { readonly space: Space }; readonly policy: Policy };
  /** It has taken longer than a load may, and its lease is not renewed any more. */
  becomeOverdue(): void;
}

/**
 * Renews the lease of a load every third of its life, until stopped or lost, and tells when the load takes longer than a
 * load may: then the lease is not renewed any more. Most loads end before the first renewal; they share one timer.
 */
export class LoadWatch implements LeaseHolder, Sleeper {
  /** Why nothing of the load is stored any more: it took longer than `maxLoad`, or the cache was closed meanwhile. */
  refusal: 'loader-too-long' | 'closed' | undefined;
  /** Of a load that no caller waits for: its loader is told to stop when the load is given up. */
  context: LoadContext | undefined;
  dueMs = Infinity;
  place = -1;
  private isStopped: boolean;
  private readonly deadlineMs: number;

  constructor(
    private readonly parts: LoadWatchParts,
    private readonly watched: Watched,
    private lease: Lease | undefined,
  ) {
    const { held, limits, machine } = parts;
    const maxLoadMs = watched.call.policy.maxLoadMs ?? limits.maxLoadMs;
    const nowMs = machine.monotonicMs();
    this.refusal = held.isClosed ? 'closed' : undefined;
    this.isStopped = false;
    this.deadlineMs = nowMs + maxLoadMs;
    if (lease !== undefined) held.holders.add(this);
    parts.queue.add(this, lease === undefined ? maxLoadMs : Math.min(maxLoadMs, limits.leaseMs / 3), nowMs);
  }

  stop(): void {
    const { held, queue } = this.parts;
    this.isStopped = true;
    queue.remove(this);
    held.holders.delete(this);
    held.onEnd?.();
  }

  giveUp(): Lease | undefined {
    const { lease } = this;
    this.refusal = 'closed';
    this.isStopped = true;
    this.parts.queue.remove(this);
    this.context?.abort(new BackendError('refresh', this.parts.backend.kind, { why: 'closed' }));
    return lease;
  }

  wake(): void {
    const { machine } = this.parts;
    if (machine.monotonicMs() < this.deadlineMs) return void this.renewed();
    this.refusal = 'loader-too-long';
    this.stop();
    this.watched.becomeOverdue();
  }

  private async renewed(): Promise<void> {
    const { limits, machine, queue } = this.parts;
    await this.renew();
    if (this.isStopped) return;
    const nowMs = machine.monotonicMs();
    const leftMs = Math.max(1, this.deadlineMs - nowMs);
    queue.add(this, this.lease === undefined ? leftMs : Math.min(leftMs, limits.leaseMs / 3), nowMs);
  }

  private async renew(): Promise<void> {
    const { backend, limits, report } = this.parts;
    if (this.lease === undefined) return;
    try {
      if (!(await backend.renew(this.lease, limits.leaseMs))) this.lease = undefined;
    } catch (error) {
      // Tried again a third later; the fill finds out whether the lease survived.
      report.failure(this.watched.call.key.space, 'renew', backend.kind, error);
    }
  }
}
