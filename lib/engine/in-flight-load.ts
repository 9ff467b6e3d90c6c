import type { Lease } from '../core/backend.js';
import type { Entry } from '../core/entry.js';
import type { Loading } from '../core/frame.js';
import type { Label } from '../core/keys/label.js';
import type { Call } from './call.js';
import type { PendingFill } from './bounds/pending-fills.js';
import type { LoadWatch } from './load-watch.js';

/** What a load brought: the loader's own value, and what became of it. */
export interface LoadResult {
  readonly value: unknown;
  readonly labels: readonly Label[];
  readonly freshUntilMs: number;
}

type Outcome = { readonly result: LoadResult } | { readonly error: unknown };

/** By which rules a load goes. */
export interface LoadRules {
  /** The lease it runs under. Undefined: nothing is stored. */
  readonly lease: Lease | undefined;
  /** What stood there when it began: given to the loader, and served by the leading caller when the load fails. */
  readonly stale: Entry | undefined;
  /** How long what is made of the result may live, where that is not stored itself. */
  readonly freshUntilMs: number;
  readonly isBackground: boolean;
  /** It begins when its turn comes. */
  readonly turn: Promise<void> | undefined;
}

/**
 * One load of one key in this process. The caller that leads it runs it and waits for what that returns; all others wait
 * for `result`. V8 follows a promise to the function that awaits it only where one does: with several listeners the
 * leading caller would not be in the stack of the loader's error.
 */
export class InFlightLoad {
  /** A load under a lease is watched from the moment that it has it. */
  watch: LoadWatch | undefined = undefined;
  /**
   * Its callers have been answered while the value was on its way to the server. The leading caller may change the value
   * since: a caller that comes now waits until this has landed, and asks again.
   */
  fill: PendingFill | undefined = undefined;
  private outcome: Outcome | undefined = undefined;
  private resultSignal: Promise<LoadResult> | undefined = undefined;
  private tell: ((outcome: Outcome) => void) | undefined = undefined;
  private overdueSignal: Promise<void> | undefined = undefined;
  private giveUp: (() => void) | undefined = undefined;
  private isOverdue: boolean;

  constructor(
    readonly call: Call,
    readonly loading: Loading,
    readonly rules: LoadRules,
    /** It has taken longer than a load may: no caller joins it any more, and its lease is of no more use. */
    private readonly onOverdue?: (load: InFlightLoad) => void,
  ) {
    this.isOverdue = false;
  }

  /** What comes of the load, for callers who do not lead it. */
  get result(): Promise<LoadResult> {
    return (this.resultSignal ??= new Promise<LoadResult>((resolve, reject) => {
      this.tell = (outcome) => ('result' in outcome ? resolve(outcome.result) : reject(outcome.error as Error));
      if (this.outcome !== undefined) this.tell(this.outcome);
    }));
  }

  /** Resolves when the load has taken longer than a load may: callers should stop waiting for it. Never rejects. */
  get overdue(): Promise<void> {
    return (this.overdueSignal ??= new Promise<void>((resolve) => {
      if (this.isOverdue) resolve();
      else this.giveUp = resolve;
    }));
  }

  /** Resolves when waiting is over: the load has a result, has failed, or is overdue. Never rejects. */
  get ended(): Promise<unknown> {
    const ignore = (): void => undefined;
    return Promise.race([this.result.then(ignore, ignore), this.overdue]);
  }

  /** What it brought, once it has ended well. */
  get brought(): LoadResult | undefined {
    return this.outcome !== undefined && 'result' in this.outcome ? this.outcome.result : undefined;
  }

  settle(outcome: Outcome): void {
    this.outcome = outcome;
    this.tell?.(outcome);
  }

  becomeOverdue(): void {
    this.isOverdue = true;
    this.fill?.end();
    this.onOverdue?.(this);
    this.giveUp?.();
  }
}
