/**
 * Waiting for a flight: as the caller who leads it or as a passenger, with the spare at hand for when it is slow or
 * fails. Each caller serves only the spare that it read itself, after it arrived.
 */
import type { Awaitable } from '../core/async/awaitable.js';
import type { Entry } from '../core/entry.js';
import { ReentrantLoadError } from '../core/errors.js';
import { graceMs } from '../core/policy.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import { inheritFailureInto, inheritInto, type Lookup } from './lookup.js';
import type { Flight, Loaded } from './single-flight.js';

/** Ends of a wait other than a landing: the soft timeout came first, or the load takes longer than a load may. */
const TOO_SLOW: unique symbol = Symbol('too slow');
const OVERDUE: unique symbol = Symbol('overdue');
/** In place of a value that cannot be copied. */
const NOT_SHAREABLE: unique symbol = Symbol('not shareable');

/** In which part a caller waits. */
export interface Seat {
  readonly isLeader: boolean;
  /** Counts the call, as a miss or as bypassed, once it is certain that it is not served from what is stored. */
  count(): void;
}

/** Where a caller goes whose flight does not serve it. */
export interface ElseWhere {
  /** From the start: the load it waited for is overdue. */
  again(call: Call, spare: Entry | undefined): Awaitable<unknown>;
  /** By itself: the value serves one caller only. */
  alone(call: Call): Promise<unknown>;
}

export class Boarding {
  constructor(
    private readonly parts: EngineParts,
    private readonly lookup: Lookup,
    private readonly elsewhere: ElseWhere,
  ) {}

  async board(call: Call, flight: Flight, spare: Entry | undefined, seat: Seat): Promise<unknown> {
    const outer = call.frame?.loading;
    if (!seat.isLeader && outer?.wouldDeadlock(flight.loading) === true) {
      throw new ReentrantLoadError(call.key.space.namespace);
    }
    // A leader without a spare is not served from what is stored, whatever comes of it; others may still be.
    const isCounted = seat.isLeader && spare === undefined;
    if (isCounted) seat.count();
    outer?.waitsFor.add(flight.loading);
    try {
      const end = await this.wait(call, flight, spare, seat.isLeader);
      if (end === TOO_SLOW) return this.serveSpare(call, spare as Entry);
      if (end === OVERDUE) return this.elsewhere.again(call, spare);
      if (end.value === NOT_SHAREABLE || this.isForeign(flight, seat)) return this.elsewhere.alone(call);
      inheritInto(call, end);
      if (!isCounted) seat.count();
      return end.value;
    } catch (error) {
      if (this.isForeign(flight, seat)) return this.elsewhere.alone(call);
      if (spare !== undefined && this.mayStandIn(spare, call)) return this.serveSpare(call, spare);
      if (!isCounted) seat.count();
      inheritFailureInto(call, flight.loading);
      throw error;
    } finally {
      outer?.waitsFor.delete(flight.loading);
    }
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

  private async wait(
    call: Call,
    flight: Flight,
    spare: Entry | undefined,
    isLeader: boolean,
  ): Promise<Loaded | typeof TOO_SLOW | typeof OVERDUE> {
    // Attached to the landing itself: passengers copy the value before the leader's caller can lay hands on it.
    const landing = isLeader ? flight.landing : flight.landing.then((landed) => this.copyFor(call, landed));
    const ends: Promise<Loaded | typeof TOO_SLOW | typeof OVERDUE>[] = [landing];
    if (!isLeader) ends.push(flight.overdue.then(() => OVERDUE));
    const { softTimeoutMs } = call.policy;
    if (spare === undefined || softTimeoutMs === Infinity) return ends.length === 1 ? landing : Promise.race(ends);
    let cancel = (): void => undefined;
    const tooSlow = new Promise<typeof TOO_SLOW>((resolve) => {
      cancel = this.parts.clock.after(softTimeoutMs, () => {
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
  private isForeign(flight: Flight, seat: Seat): boolean {
    return !seat.isLeader && flight.loading.leak !== undefined;
  }

  /** Passengers get a copy. What cannot be copied (a stream, say) serves one caller only. */
  private copyFor(call: Call, landed: Loaded): Loaded {
    try {
      return { ...landed, value: this.parts.copier.copy(landed.value, call.policy.isolation) };
    } catch {
      // Documented outcome, not a failure: the value could not have been stored either.
      return { ...landed, value: NOT_SHAREABLE };
    }
  }
}
