import type { Lease } from '../core/backend.js';
import { LoaderTimeoutError } from '../core/errors.js';
import type { Loading } from '../core/frame.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import type { LoadTimes } from './load-times.js';
import type { LoadContext } from './loader.js';
import type { Report } from './report.js';

/** The renewal of one lease while its loader runs. */
export interface Renewal {
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
   * Renews a lease every third of its life, until stopped, lost, or held for longer than a load may take. Most loads
   * end before the first renewal; they pay for one timer.
   */
  keepLease(lease: Lease): Renewal {
    const { clock, limits, backend } = this.parts;
    const startedAtMs = clock.monotonicMs();
    let isLate = false;
    let isStopped = false;
    let cancel = (): void => undefined;
    const renew = async (): Promise<void> => {
      isLate = clock.monotonicMs() - startedAtMs >= limits.maxLoadMs;
      if (isLate) return;
      const isHeld = await backend.renew(lease, limits.leaseMs);
      if (isHeld && !isStopped) schedule();
    };
    const schedule = (): void => {
      cancel = clock.after(limits.leaseMs / 3, () => {
        // A renewal that fails is tried again a third later; the fill finds out whether the lease survived.
        renew().catch((error: unknown) => {
          this.report.failure(lease.key.space, 'renew', backend.kind, error);
          if (!isStopped) schedule();
        });
      });
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
    return this.parts.surroundings.run({ scope: call.key.space.scope, loading }, () => call.loader(context as never));
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
