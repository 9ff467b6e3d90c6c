/** How a call makes ready what it will send: in time of its own, and in turn where it is much. */
import type { Awaitable } from '../../core/async/awaitable.js';
import type { Clock } from '../../core/clock.js';
import { UnansweredError } from '../../core/errors.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import { Deadlines, type Pending } from './deadlines.js';
import type { DueMs, Load } from '../shared/due.js';
import { Room } from './room.js';

/** Bytes of one value, or of a portion of a batch, beyond which it waits for its turn. */
export const LARGE_BYTES = 65_536;
/** So many deadlines a value may take to be serialised, compressed and sealed: a process may have much to do besides. */
const READY_WITHIN = 16;

/** When a call is due, for a backend that makes ready what it sends. */
export function loading(dueMs: () => number, load: Load): DueMs {
  return Object.assign(dueMs, { load });
}

/** A call under way. */
export interface Call {
  readonly operation: string;
  readonly deadlines: Deadlines;
  /** How often the circuit had opened when it was admitted. */
  readonly openings: number;
  /** It came due. */
  readonly expire: () => void;
  readonly reject: (error: Error) => void;
  /** Its time with the server. Undefined: the call is over, and its caller has an answer or an error. */
  pending: Pending | undefined;
  /** What is being made ready for it: entries of a batch may be made ready once more at once. */
  loads?: number;
  /** Gives the room for what it sends to the next. */
  leave?: ((hasAnswered: boolean) => void) | undefined;
}

/** What it sent has arrived, or is not waited for any more. */
export function leave(call: Call, hasAnswered: boolean): void {
  const { leave: gone } = call;
  call.leave = undefined;
  gone?.(hasAnswered);
}

/** Of the calls to one server. */
export class Preparation {
  private readonly room = new Room();
  /** No caller waits for ever for what is made ready here. */
  private readonly readying: Deadlines;
  /** Why nothing is sent any more. */
  private end: string | undefined;

  constructor(
    private readonly kind: string,
    private readonly breaker: CircuitBreaker,
    clock: Clock,
    timeoutMs: number,
  ) {
    this.readying = new Deadlines(clock, READY_WITHIN * timeoutMs);
  }

  close(why: string): void {
    this.end ??= why;
    this.readying.close();
  }

  async load<T>(call: Call, ready: Awaitable<T>, bytesOf?: (ready: T) => number): Promise<T> {
    const { readying } = this;
    // What was sent before has been answered: others need not wait while this is made ready once more.
    if (bytesOf !== undefined) leave(call, true);
    // Its deadline stands still until all of it is ready.
    const others = call.loads ?? 0;
    if (others === 0 && call.pending !== undefined) call.deadlines.end(call.pending);
    call.loads = others + 1;
    const making = readying.begin(() => this.giveUp(call, 'not ready in time'));
    try {
      const loaded = await ready;
      readying.end(making);
      this.mayGoOn(call);
      const bytes = bytesOf?.(loaded) ?? 0;
      if (bytes > LARGE_BYTES) await this.enter(call, bytes);
      return loaded;
    } finally {
      readying.end(making);
      call.loads--;
      if (call.loads === 0 && call.pending !== undefined) call.pending = call.deadlines.begin(call.expire);
    }
  }

  /** In line a call comes due as well, unless the server goes on answering those before it. */
  private async enter(call: Call, bytes: number): Promise<void> {
    const { room } = this;
    const stand = (answers: number): Pending =>
      call.deadlines.begin(() => {
        if (call.pending === undefined) return;
        if (room.answers === answers) call.expire();
        else standing = stand(room.answers);
      });
    let standing = stand(room.answers);
    const left = await room.enter(bytes);
    call.deadlines.end(standing);
    if (call.pending === undefined) left(false);
    else call.leave = left;
    this.mayGoOn(call);
  }

  /** What was not sent when the circuit opened, or the backend was closed, is not sent any more. */
  private mayGoOn(call: Call): void {
    if (this.end !== undefined) this.giveUp(call, this.end);
    else if (this.breaker.openings !== call.openings) this.giveUp(call, 'circuit open');
    // Its caller has an error by now, and hears nothing of this one.
    if (call.pending === undefined) throw new UnansweredError(call.operation, 'too late', this.kind);
  }

  /** Says nothing about the server. */
  private giveUp(call: Call, why: string): void {
    if (call.pending === undefined) return;
    call.pending = undefined;
    leave(call, false);
    call.reject(new UnansweredError(call.operation, why, this.kind));
  }
}
