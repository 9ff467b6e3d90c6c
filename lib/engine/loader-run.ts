import type { Lease } from '../core/backend.js';
import { machineOf } from '../core/clock.js';
import { LoaderTimeoutError } from '../core/errors.js';
import type { Key } from '../core/keys/key.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import type { LoadTimes } from './load-times.js';
import type { LoadContext } from './loader.js';
import type { Report } from './report.js';

/** Keeps an eye on one load. */
export interface Watch {
  /** The load took longer than `limits.maxLoad`. */
  readonly isLate: boolean;
  stop(): void;
}

/** Runs loaders: in the scope of their key, against the hard timeout, with their lease kept alive. */
export class LoaderRun {
  constructor(
    private readonly parts: EngineParts,
    private readonly report: Report,
    private readonly loadTimes: LoadTimes,
  ) {}

  /**
   * The loader's answer or its error, unchanged; or a LoaderTimeoutError. The loader has begun: it runs in the function
   * that calls this, not below it, which keeps stack traces short.
   */
  bounded(call: Call, context: LoadContext, answer: unknown): unknown {
    return call.policy.hardTimeoutMs === Infinity ? answer : this.withHardTimeout(call, context, answer);
  }

  /** Tells that a load has ended; without an error, well. */
  ended(call: Call, startedAtMs: number, isBackground: boolean, ...failure: readonly [error?: unknown]): void {
    const durationMs = this.parts.clock.monotonicMs() - startedAtMs;
    this.loadTimes.note(call.key.space.namespace, durationMs);
    if (!this.report.isHeard) return;
    const outcome = failure.length === 0 ? 'ok' : failure[0] instanceof LoaderTimeoutError ? 'timed-out' : 'failed';
    this.report.event({ type: 'load', outcome, durationMs, isBackground, ...this.report.place(call.key) });
  }

  /**
   * Renews the lease of a load every third of its life, until stopped or lost, and tells when the load takes longer than
   * a load may: then the lease is not renewed any more. Most loads end before the first renewal; they pay for one timer.
   */
  watch(key: Key, lease: Lease | undefined, onOverdue: () => void): Watch {
    const { limits, backend } = this.parts;
    // A lease runs by the clock of the machine that granted it.
    const clock = machineOf(this.parts.clock);
    const deadlineMs = clock.monotonicMs() + limits.maxLoadMs;
    let isLate = false;
    let isStopped = false;
    let held = lease;
    let cancel = (): void => undefined;
    const schedule = (): void => {
      if (isStopped) return;
      const leftMs = Math.max(1, deadlineMs - clock.monotonicMs());
      cancel = clock.after(held === undefined ? leftMs : Math.min(leftMs, limits.leaseMs / 3), () => {
        isLate = clock.monotonicMs() >= deadlineMs;
        if (isLate) onOverdue();
        else void renew().then(schedule);
      });
    };
    const renew = async (): Promise<void> => {
      if (held === undefined) return;
      try {
        if (!(await backend.renew(held, limits.leaseMs))) held = undefined;
      } catch (error) {
        // Tried again a third later; the fill finds out whether the lease survived.
        this.report.failure(key.space, 'renew', backend.kind, error);
      }
    };
    schedule();
    return {
      get isLate() {
        return isLate;
      },
      stop() {
        isStopped = true;
        cancel();
      },
    };
  }

  private async withHardTimeout(call: Call, context: LoadContext, answer: unknown): Promise<unknown> {
    const { hardTimeoutMs } = call.policy;
    let cancel = (): void => undefined;
    const timeout = new Promise<never>((_, reject) => {
      cancel = this.parts.clock.after(hardTimeoutMs, () => {
        const error = new LoaderTimeoutError(call.key.space.namespace, hardTimeoutMs);
        context.abort(error);
        reject(error);
      });
    });
    try {
      // The loader may still fail after the timeout; its callers have their answer already, and the race has heard it.
      return await Promise.race([answer, timeout]);
    } finally {
      cancel();
    }
  }
}
