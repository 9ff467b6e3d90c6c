/**
 * Loads without a lease: while the backend does not answer, and of callers that have waited for another process as long
 * as they may.
 *
 * An invalidation may have got through meanwhile, and no lease tells; so a caller may only share a load that begins after
 * it came. While one load of a key is under way, callers that come meanwhile wait together for the next one.
 * One load of a key at a time, so many of a tenant at a time: the source that the cache stood before is not run over.
 *
 * No caller waits for a turn longer than `maxWait`: a source that hangs must not make other loads hang.
 */
import type { Clock } from '../core/clock.js';
import { ReentrantLoadError } from '../core/errors.js';
import type { KeyId } from '../core/keys/key.js';
import { DEFAULT_WAIT_MS, type Limits } from '../core/limits.js';
import type { Partition } from '../core/keys/partition.js';
import type { Call } from './call.js';
import { FairShare } from './bounds/fair-share.js';
import type { InFlightLoad } from './in-flight-load.js';
import { KeyedSemaphore } from './bounds/keyed-semaphore.js';
import type { LogicalClock } from './logical-clock.js';

/** A load that waits for its turn. */
interface Upcoming {
  readonly load: InFlightLoad;
  /** Ends the waiting. */
  hurry(): void;
  /** Ends the waiting after so long, unless it ends sooner. */
  within(waitMs: number): void;
}

interface Running {
  readonly load: InFlightLoad;
  readonly begunAt: number;
}

export class OutageLoads {
  private readonly upcoming = new Map<KeyId, Upcoming>();
  private readonly running = new Map<KeyId, Running>();
  private readonly semaphore: KeyedSemaphore<Partition>;
  /** Loads in the queue and those under way. */
  private readonly share: FairShare<Partition>;

  constructor(
    private readonly parts: { readonly clock: Clock; readonly limits: Limits },
    private readonly order: LogicalClock,
  ) {
    this.semaphore = new KeyedSemaphore(parts.limits.maxOutageLoads);
    this.share = new FairShare(parts.limits.maxFlights);
  }

  /** Whether one more may begin, or queue: a tenant that has many leaves room for others. */
  admits({ key }: Call): boolean {
    return this.share.admits(key.space.partition);
  }

  /** A load that begins, or began, after the time `sentAt` of the logical clock. */
  joinable(call: Call, sentAt: number): InFlightLoad | undefined {
    const { id } = call.key;
    const next = this.upcoming.get(id);
    if (next === undefined) {
      const current = this.running.get(id);
      return current !== undefined && current.begunAt > sentAt ? current.load : undefined;
    }
    next.within(this.longestTurnMs(call));
    // The load around this caller had its turn. If it queued once more, it might wait for itself.
    if (call.frame?.loading !== undefined) next.hurry();
    return next.load;
  }

  /** Makes a load that begins once its turn has come. To be called when there is none to join. */
  begin(call: Call, make: (turn: Promise<void>) => InFlightLoad): InFlightLoad {
    const { id, space } = call.key;
    const outer = call.frame?.loading;
    const before = this.running.get(id)?.load;
    if (before !== undefined && outer?.wouldDeadlock(before.loading) === true) {
      throw new ReentrantLoadError(space.namespace);
    }
    let go = (): void => undefined;
    const load = make(new Promise((resolve) => (go = resolve)));
    this.share.enter(space.partition);
    const start = (): void => {
      this.upcoming.delete(id);
      this.running.set(id, { load, begunAt: this.order.next() });
      if (before !== undefined) load.loading.waitsFor.delete(before.loading);
      go();
    };
    const end = (): void => {
      if (this.running.get(id)?.load === load) this.running.delete(id);
      this.semaphore.release(space.partition);
    };
    load.result.then(end, end);
    // One that never ends does not keep its share for ever.
    void load.ended.then(() => this.share.leave(space.partition));
    if (before !== undefined) load.loading.waitsFor.add(before.loading);
    this.queue(call, load, before, start);
    return load;
  }

  private longestTurnMs({ policy }: Call): number {
    return policy.maxWaitMs ?? this.parts.limits.maxWaitMs ?? DEFAULT_WAIT_MS;
  }

  private queue(call: Call, load: InFlightLoad, before: InFlightLoad | undefined, start: () => void): void {
    const { clock } = this.parts;
    let isHurried = call.frame?.loading !== undefined;
    let enterNow = (): void => undefined;
    const hurry = (): void => {
      isHurried = true;
      enterNow();
    };
    let cancel = (): void => undefined;
    let untilMs = Infinity;
    const within = (waitMs: number): void => {
      const endMs = clock.monotonicMs() + waitMs;
      if (endMs >= untilMs) return;
      untilMs = endMs;
      cancel();
      cancel = clock.after(waitMs, () => {
        hurry();
        acquire();
      });
    };
    let isQueued = false;
    const acquire = (): void => {
      if (isQueued) return;
      isQueued = true;
      enterNow = this.semaphore.acquire(call.key.space.partition, () => {
        cancel();
        start();
      });
      if (isHurried) enterNow();
    };
    within(this.longestTurnMs(call));
    this.upcoming.set(call.key.id, { load, hurry, within });
    if (before === undefined) acquire();
    else void before.ended.then(acquire);
  }
}
