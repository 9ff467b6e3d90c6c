/**
 * Waiting for a flight: as the caller who leads it or as a passenger, with the spare at hand for when it is slow or
 * fails. Each caller serves only the spare that it read itself, after it arrived.
 */
import { isPending, type Awaitable } from '../core/async/awaitable.js';
import type { Entry } from '../core/entry.js';
import { ReentrantLoadError } from '../core/errors.js';
import { graceMs } from '../core/policy.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import { inheritFailureInto, inheritInto, type Lookup } from './lookup.js';
import type { InFlightLoad, LoadResult } from './single-flight.js';

/** Ends of a wait other than a landing: the soft timeout came first, or the load takes longer than a load may. */
const TOO_SLOW: unique symbol = Symbol('too slow');
const OVERDUE: unique symbol = Symbol('overdue');
/** In place of a value that cannot be copied. */
const NOT_SHAREABLE: unique symbol = Symbol('not shareable');

type End = LoadResult | typeof TOO_SLOW | typeof OVERDUE | typeof NOT_SHAREABLE;

/** Counts the call, as a miss or as bypassed, once it is certain that it is not served from what is stored. */
type Count = () => void;

/** What a call that is not answered from the cache comes to: a seat in a flight. */
export interface Seat {
  readonly flight: InFlightLoad;
  /** What the caller read itself and may fall back to. */
  readonly spare: Entry | undefined;
  readonly count: Count;
  /** The landing, for a passenger. Who leads has none: its flight begins when it boards. */
  readonly passage: Promise<LoadResult> | undefined;
}

/** What was there after all. */
export interface Served {
  readonly flight: undefined;
  readonly value: unknown;
}

/** Where a caller goes whose flight does not serve it. */
export interface ElseWhere {
  /** From the start: the load it waited for is overdue. */
  again(call: Call, spare: Entry | undefined): Awaitable<Seat | Served>;
  /** By itself: the value serves one caller only. */
  alone(call: Call): Seat;
}

export class LoadAwaiter {
  constructor(
    private readonly parts: EngineParts,
    private readonly lookup: Lookup,
    private readonly elsewhere: ElseWhere,
  ) {}

  /** The seat of the caller who is to begin the flight. */
  leader(call: Call, flight: InFlightLoad, spare: Entry | undefined, count: Count): Seat {
    call.frame?.loading?.waitsFor.add(flight.loading);
    return { flight, spare, count, passage: undefined };
  }

  passenger(call: Call, flight: InFlightLoad, spare: Entry | undefined, count: Count): Awaitable<Seat> {
    const outer = call.frame?.loading;
    if (outer?.wouldDeadlock(flight.loading) === true)
      return Promise.reject(new ReentrantLoadError(call.key.space.namespace));
    outer?.waitsFor.add(flight.loading);
    // Attached to the landing itself, and now: passengers copy the value before the leader's caller can lay hands on it.
    return { flight, spare, count, passage: flight.landing.then((landed) => this.copyFor(call, landed)) };
  }

  /**
   * Takes a seat, and begins the flight where that is for this caller to do. Everything that decides about seats has
   * returned by then, so that none of it stands between loader and caller in the stack of an error: a flight that leads
   * to the loader is begun here, and awaited here.
   */
  async board(call: Call, found: Awaitable<Seat | Served>): Promise<unknown> {
    const seat = isPending(found) ? await found : found;
    if (seat.flight === undefined) return seat.value;
    const { flight, spare } = seat;
    const landing = seat.passage ?? flight.begin(flight);
    // A leader without a spare is not served from what is stored, whatever comes of it; others may still be.
    const isCounted = seat.passage === undefined && spare === undefined;
    if (isCounted) seat.count();
    let end: End;
    try {
      end = await this.end(call, seat, landing);
    } catch (error) {
      if (!this.isForeign(seat)) {
        if (spare !== undefined && this.mayStandIn(spare, call)) return this.serveSpare(call, spare);
        if (!isCounted) seat.count();
        inheritFailureInto(call, flight.loading);
        throw error;
      }
      end = NOT_SHAREABLE;
    } finally {
      call.frame?.loading?.waitsFor.delete(flight.loading);
    }
    if (end === TOO_SLOW) return this.serveSpare(call, spare as Entry);
    if (end === OVERDUE) return await this.board(call, this.elsewhere.again(call, spare));
    if (end === NOT_SHAREABLE || end.value === NOT_SHAREABLE || this.isForeign(seat))
      return await this.board(call, this.elsewhere.alone(call));
    inheritInto(call, end);
    if (!isCounted) seat.count();
    return end.value;
  }

  /** Whether a value past its ttl may be served in place of a load. */
  mayStandIn(spare: Entry, call: Call): boolean {
    const nowMs = this.parts.clock.monotonicMs();
    return nowMs < spare.freshUntilMs + graceMs(call.policy) && nowMs < spare.keptUntilMs;
  }

  serveSpare(call: Call, spare: Entry): unknown {
    inheritInto(call, spare);
    return this.lookup.serve(call.key, spare, 'grace', undefined, this.lookup.startedAtMs());
  }

  /** How it ends for this caller. Not async itself: it hands on the promise that is awaited. */
  private end(call: Call, { flight, spare, passage }: Seat, landing: Promise<LoadResult>): Promise<End> {
    const ends: Promise<End>[] = [landing];
    if (passage !== undefined) ends.push(flight.overdue.then(() => OVERDUE));
    const { softTimeoutMs } = call.policy;
    if (spare !== undefined && softTimeoutMs !== Infinity) return this.orTooSlow(call, spare, ends);
    return ends.length === 1 ? landing : Promise.race(ends);
  }

  private async orTooSlow(call: Call, spare: Entry, ends: readonly Promise<End>[]): Promise<End> {
    let cancel = (): void => undefined;
    const tooSlow = new Promise<typeof TOO_SLOW>((resolve) => {
      cancel = this.parts.clock.after(call.policy.softTimeoutMs, () => {
        if (this.mayStandIn(spare, call)) resolve(TOO_SLOW);
      });
    });
    try {
      // The flight goes on without this caller; if it fails later, its own report has said so.
      return await Promise.race([...ends, tooSlow]);
    } finally {
      cancel();
    }
  }

  /**
   * Its loader saw what fewer people may see than the entry: whose data that was, nobody knows but the leader. Whoever
   * joined may be another tenant, and gets neither the value nor the error.
   */
  private isForeign({ passage, flight }: Seat): boolean {
    return passage !== undefined && flight.loading.leak !== undefined;
  }

  /** Passengers get a copy. What cannot be copied (a stream, say) serves one caller only. */
  private copyFor(call: Call, landed: LoadResult): LoadResult {
    try {
      return { ...landed, value: this.parts.copier.copy(landed.value, call.policy.isolation) };
    } catch {
      // Documented outcome, not a failure: the value could not have been stored either.
      return { ...landed, value: NOT_SHAREABLE };
    }
  }
}
