import type { Clock } from '../../core/clock.js';
import type { Emit } from '../../core/observer.js';

/** The same trouble is told again after so long. */
const SILENCE_MS = 30_000;

/** Trouble with a server, told to people: each kind once in a while, however often it happens. */
export class Warnings {
  /** When each was last told. As many as there are kinds of trouble. */
  private readonly toldAtMs = new Map<string, number>();

  constructor(
    /** Whose trouble it is. */
    private readonly of: string,
    private readonly parts: { readonly clock: Clock; readonly emit: Emit },
  ) {}

  readonly tell = (problem: string): void => {
    const nowMs = this.parts.clock.monotonicMs();
    if (nowMs - (this.toldAtMs.get(problem) ?? -Infinity) < SILENCE_MS) return;
    this.toldAtMs.set(problem, nowMs);
    this.parts.emit.event({ type: 'warning', message: `${this.of}: ${problem}` });
  };
}
