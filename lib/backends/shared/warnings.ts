import type { Clock } from '../../core/clock.js';
import type { Emit } from '../../core/observer.js';

/** The same problem is reported again after so long. */
const REPEAT_AFTER_MS = 30_000;

/** Warnings about a server: each problem once in a while, however often it happens. */
export class Warnings {
  /** When each problem was last reported: one entry for each kind. */
  private readonly warnedAtMs = new Map<string, number>();

  constructor(
    /** What the warnings are about: the beginning of each message. */
    private readonly of: string,
    private readonly parts: { readonly clock: Clock; readonly emit: Emit },
  ) {}

  readonly warn = (problem: string): void => {
    const nowMs = this.parts.clock.monotonicMs();
    if (nowMs - (this.warnedAtMs.get(problem) ?? -Infinity) < REPEAT_AFTER_MS) return;
    this.warnedAtMs.set(problem, nowMs);
    this.parts.emit.event({ type: 'warning', message: `${this.of}: ${problem}` });
  };

  /** For what stays as it is until an operator changes it. */
  readonly warnOnce = (problem: string): void => {
    if (!this.warnedAtMs.has(problem)) this.warn(problem);
  };
}
