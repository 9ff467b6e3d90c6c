import type { Lease } from '../core/backend.js';
import { machineOf } from '../core/clock.js';
import { LoaderTimeoutError } from '../core/errors.js';
import type { Loading } from '../core/frame.js';
import { beginInside } from '../core/inside.js';
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

  /** The loader's answer or its error, unchanged; or a LoaderTimeoutError. */
  async execute(call: Call, context: LoadContext, loading: Loading, isBackground: boolean): Promise<unknown> {
    const startedAtMs = this.parts.clock.monotonicMs();
    let outcome: 'ok' | 'failed' | 'timed-out' = 'failed';
    try {
      const answer = await this.withHardTimeout(call, context, this.start(call, context, loading));
      outcome = 'ok';
      return answer;
    } catch (error) {
      if (error instanceof LoaderTimeoutError) outcome = 'timed-out';
      throw error;
    } finally {
      const durationMs = this.parts.clock.monotonicMs() - startedAtMs;
      this.loadTimes.note(call.key.space.namespace, durationMs);
      if (this.report.isHeard)
        this.report.event({ type: 'load', outcome, durationMs, isBackground, ...this.report.place(call.key) });
    }
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

  private async start(call: Call, context: LoadContext, loading: Loading): Promise<unknown> {
    const { surroundings } = this.parts;
    return beginInside(surroundings, { scope: call.key.space.scope, loading }, () => call.loader(context as never));
  }

  private async withHardTimeout(call: Call, context: LoadContext, answer: Promise<unknown>): Promise<unknown> {
    const { hardTimeoutMs } = call.policy;
    if (hardTimeoutMs === Infinity) return answer;
    let cancel = (): void => undefined;
    const timeout = new Promise<never>((_, reject) => {
      cancel = this.parts.clock.after(hardTimeoutMs, () => {
        const error = new LoaderTimeoutError(call.key.space.namespace, hardTimeoutMs);
        context.abort(error);
        reject(error);
      });
    });
    // The loader may still fail after the timeout; its callers have their answer already.
    answer.catch(() => undefined);
    try {
      return await Promise.race([answer, timeout]);
    } finally {
      cancel();
    }
  }
}
