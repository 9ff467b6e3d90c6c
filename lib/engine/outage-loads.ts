/**
 * Loads while the backend does not answer.
 *
 * An invalidation may have got through elsewhere, and nobody can tell; so a caller may only share a load that begins
 * after it came. While one load of a key is under way, those who come meanwhile wait together for the next one. One load
 * of a key at a time, so many of a tenant at a time: the source that the cache stood before is not run over.
 *
 * Nobody waits for his turn longer than `limits.maxWait`: a source that hangs must not make others hang.
 */
import type { Clock } from '../core/clock.js';
import { ReentrantLoadError } from '../core/errors.js';
import type { KeyId } from '../core/keys/key.js';
import type { Limits } from '../core/limits.js';
import type { Partition } from '../core/keys/partition.js';
import type { Call } from './call.js';
import type { LogicalClock } from './logical-clock.js';
import { FairShare } from './fair-share.js';
import type { InFlightLoad } from './single-flight.js';
import { KeyedSemaphore } from './keyed-semaphore.js';

/** A load that waits for its turn. */
interface Upcoming {
  readonly flight: InFlightLoad;
  /** Ends the waiting. */
  hurry(): void;
}

interface Running {
  readonly flight: InFlightLoad;
  readonly number: number;
}

export class OutageLoads {
  private readonly upcoming = new Map<KeyId, Upcoming>();
  private readonly running = new Map<KeyId, Running>();
  private readonly turnstile: KeyedSemaphore<Partition>;
  /** Those in line and those under way. */
  private readonly share: FairShare<Partition>;

  constructor(
    private readonly parts: { readonly clock: Clock; readonly limits: Limits },
    private readonly moments: LogicalClock,
  ) {
    this.turnstile = new KeyedSemaphore(parts.limits.maxOutageLoads);
    this.share = new FairShare(parts.limits.maxFlights);
  }

  /** Whether one more may begin, or stand in line: a tenant that has many leaves room for others. */
  admits({ key }: Call): boolean {
    return this.share.admits(key.space.partition);
  }

  /** A load that begins, or began, after `moment`. */
  joinable(call: Call, moment: number): InFlightLoad | undefined {
    const { id } = call.key;
    const next = this.upcoming.get(id);
    if (next === undefined) {
      const current = this.running.get(id);
      return current !== undefined && current.number > moment ? current.flight : undefined;
    }
    // The load around this caller had its turn. If it waited in line once more, it might wait for itself.
    if (call.frame?.loading !== undefined) next.hurry();
    return next.flight;
  }

  /** Starts a load, once its turn has come. To be called when there is none to join. */
  begin(call: Call, takeoff: (turn: Promise<void>) => InFlightLoad): InFlightLoad {
    const { id, space } = call.key;
    const outer = call.frame?.loading;
    const before = this.running.get(id)?.flight;
    if (before !== undefined && outer?.wouldDeadlock(before.loading) === true) {
      throw new ReentrantLoadError(space.namespace);
    }
    let go = (): void => undefined;
    const flight = takeoff(new Promise((resolve) => (go = resolve)));
    this.share.enter(space.partition);
    const start = (): void => {
      this.upcoming.delete(id);
      this.running.set(id, { flight, number: this.moments.next() });
      if (before !== undefined) flight.loading.waitsFor.delete(before.loading);
      go();
    };
    const land = (): void => {
      if (this.running.get(id)?.flight === flight) this.running.delete(id);
      this.turnstile.leave(space.partition);
    };
    flight.landing.then(land, land);
    // One that never lands does not hold its place for ever.
    void flight.ended.then(() => this.share.leave(space.partition));
    if (before !== undefined) flight.loading.waitsFor.add(before.loading);
    this.line(call, flight, before, start);
    return flight;
  }

  private line(call: Call, flight: InFlightLoad, before: InFlightLoad | undefined, start: () => void): void {
    const { clock, limits } = this.parts;
    let isHurried = call.frame?.loading !== undefined;
    let passNow = (): void => undefined;
    const hurry = (): void => {
      isHurried = true;
      passNow();
    };
    const cancel = clock.after(limits.maxWaitMs, () => {
      hurry();
      stand();
    });
    let isInLine = false;
    const stand = (): void => {
      if (isInLine) return;
      isInLine = true;
      passNow = this.turnstile.pass(call.key.space.partition, () => {
        cancel();
        start();
      });
      if (isHurried) passNow();
    };
    this.upcoming.set(call.key.id, { flight, hurry });
    if (before === undefined) stand();
    else void before.ended.then(stand);
  }
}
