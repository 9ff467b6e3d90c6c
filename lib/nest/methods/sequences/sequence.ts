import { Subscription, takeWhile, type Observable } from 'rxjs';
import type { Clock } from '../../../core/clock.js';
import type { Copier } from '../../../core/values/copier.js';
import { ValueTooLargeError } from '../../../core/errors.js';

/** More values than that are not collected, however small they are. */
const MAX_VALUES = 10_000;

/** Why a sequence is not collected to its end: no subscriber waits for it, it is too large, or it takes too long. */
export type GiveUpReason = 'left' | 'large' | 'late';

/** In place of a sequence that was given up. Never leaves the plans of methods. */
export class Unfinished extends Error {
  constructor(readonly why: GiveUpReason) {
    super('The sequence was given up before its end');
  }
}

/** Where values go while they come. */
export interface Listener {
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

export interface SequenceBounds {
  readonly clock: Clock;
  readonly copier: Copier;
  readonly maxBytes: number;
  readonly maxMs: number;
}

/**
 * One run of an Observable whose complete sequence is to be stored. Values are collected, and handed on to a listener as
 * soon as it is plain that more than one turn is needed: what is said and done in one turn (an answer over HTTP) comes as
 * a whole, or `firstValueFrom` would cut off what is about to be complete. One that becomes too large or takes too long
 * is not collected any more; a subscriber that listens goes on listening, and when none does, the source is left.
 */
export class Sequence {
  /** All of it. Rejects with {@link Unfinished}, or as the source does. */
  readonly whole: Promise<unknown[]>;
  /** Undefined once it is given up. */
  private values: unknown[] | undefined = [];
  private sizeBytes = 0;
  private handedOn = 0;
  private isHandingOn = false;
  private hasBegun = false;
  private isOver = false;
  private readonly source = new Subscription();
  private cancel = (): void => undefined;
  private settle!: (values: unknown[]) => void;
  private fail!: (error: unknown) => void;

  constructor(
    private readonly bounds: SequenceBounds,
    private listener: Listener | undefined,
    private readonly told: { streams(): void; givenUp(why: GiveUpReason): void },
  ) {
    this.whole = new Promise<unknown[]>((resolve, reject) => {
      this.settle = resolve;
      this.fail = reject;
    });
  }

  /** True once values are handed on while they come. */
  get isStreaming(): boolean {
    return this.hasBegun;
  }

  start(source: () => Observable<unknown>): void {
    this.cancel = this.bounds.clock.after(this.bounds.maxMs, () => this.giveUp('late'));
    const fail = (error: unknown): void => this.end((listener) => listener.error(error), error);
    try {
      // Looked at by sources that say everything at once.
      const open = source().pipe(takeWhile(() => !this.isOver));
      const complete = (): void => this.end((listener) => listener.complete());
      this.source.add(open.subscribe({ next: (value) => this.take(value), error: fail, complete }));
    } catch (error) {
      fail(error);
    }
  }

  /** The listener has left. It runs on for those that wait for all of it. */
  mute(): void {
    this.listener = undefined;
    if (this.values === undefined) this.leave();
  }

  /** No subscriber waits for it any more. */
  stop(): void {
    this.listener = undefined;
    if (this.values === undefined || this.isOver) this.leave();
    else this.giveUp('left');
  }

  private take(value: unknown): void {
    if (this.isOver) return;
    if (this.values !== undefined && this.isTooMuch(value, this.values)) this.giveUp('large');
    if (this.values === undefined) {
      this.listener?.next(value);
      return;
    }
    this.values.push(value);
    if (this.hasBegun) this.handOn(this.values);
    else if (this.values.length === 1) void this.bounds.clock.breathe().then(() => this.stream());
  }

  private isTooMuch(value: unknown, values: readonly unknown[]): boolean {
    if (values.length >= MAX_VALUES) return true;
    try {
      const { sizeBytes } = this.bounds.copier.admit(value, 'none', this.bounds.maxBytes);
      this.sizeBytes += sizeBytes;
      return this.sizeBytes > this.bounds.maxBytes;
    } catch (error) {
      // What cannot be stored has no size; that it cannot is said when all of it has come.
      return error instanceof ValueTooLargeError;
    }
  }

  /** From here on values are handed on as they come. */
  private stream(): void {
    if (this.isOver || this.hasBegun || this.listener === undefined || this.values === undefined) return;
    this.hasBegun = true;
    this.told.streams();
    this.handOn(this.values);
  }

  /** In their order, also when the listener makes the next one come. */
  private handOn(values: readonly unknown[]): void {
    if (this.isHandingOn) return;
    this.isHandingOn = true;
    while (this.listener !== undefined && this.handedOn < values.length) this.listener.next(values[this.handedOn++]);
    this.isHandingOn = false;
  }

  /** Nothing will be stored of it. */
  private giveUp(why: GiveUpReason): void {
    if (this.values === undefined || this.isOver) return;
    this.cancel();
    this.stream();
    this.values = undefined;
    this.told.givenUp(why);
    this.fail(new Unfinished(why));
    if (this.listener === undefined) this.leave();
  }

  private end(tell: (listener: Listener) => void, error?: unknown): void {
    if (this.isOver) return;
    const { values, listener } = this;
    this.leave();
    if (values === undefined) {
      if (listener !== undefined) tell(listener);
    } else if (error === undefined) this.settle(values);
    else this.fail(error);
  }

  private leave(): void {
    this.isOver = true;
    this.cancel();
    this.source.unsubscribe();
  }
}
