/**
 * Waiting for a load: as the caller that leads it or as one that joins it, with a stale fallback for when the load is
 * slow or fails. Each caller falls back only to what it read itself, after it arrived.
 */
import type { Entry } from '../core/entry.js';
import { ReentrantLoadError } from '../core/errors.js';
import { graceMs } from '../core/policy.js';
import type { Attempt } from './attempt.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import type { InFlightLoad, LoadResult } from './in-flight-load.js';
import { inheritFailureInto, inheritInto, type Lookup } from './lookup.js';
import type { Report } from './report.js';
import type { LoaderRun } from './loader-run.js';

/** The soft timeout came before the load had ended. */
const TOO_SLOW: unique symbol = Symbol('too slow');
/** The load takes longer than a load may. */
const OVERDUE: unique symbol = Symbol('overdue');
/** In place of a value that cannot be copied. */
const NOT_SHAREABLE: unique symbol = Symbol('not shareable');

/**
 * What joining comes to: a value; or the load takes longer than a load may; or it had answered its callers before, and is
 * over; or what it brings is for its leading caller alone.
 */
export type Joined =
  { readonly kind: 'served'; readonly value: unknown } | { readonly kind: 'overdue' | 'answered' | 'not-shared' };

export class LoadAwaiter {
  constructor(
    private readonly parts: Pick<EngineParts, 'clock' | 'copier'>,
    private readonly loads: LoaderRun,
    private readonly lookup: Lookup,
    private readonly report: Report,
  ) {}

  /** Runs the load and waits for it: what comes between loader and caller takes lines of the stack of an error. */
  lead(attempt: Attempt, load: InFlightLoad): Promise<unknown> {
    if (load.rules.stale !== undefined || attempt.call.frame?.loading !== undefined)
      return this.leadOver(attempt, load);
    // Nothing stands in for the load, and no load is around it that has to know how it ends: the caller waits for it alone.
    const running = this.loads.run(load);
    this.report.unserved(attempt);
    return running;
  }

  /** Leads a load that an old value may stand in for, or that is part of another. */
  private async leadOver(attempt: Attempt, load: InFlightLoad): Promise<unknown> {
    const { call } = attempt;
    const { loading, rules } = load;
    const { stale } = rules;
    const outer = call.frame?.loading;
    outer?.waitsFor.add(loading);
    try {
      const running = this.loads.run(load);
      // Without a stale fallback the caller is not served from what is stored, whatever comes of the load.
      if (stale === undefined) this.report.unserved(attempt);
      const isHurried = stale !== undefined && call.policy.softTimeoutMs !== Infinity;
      const value = await (isHurried ? this.orTooSlow(call, stale, [running]) : running);
      if (value === TOO_SLOW) return this.serveStale(call, stale as Entry);
      if (load.brought !== undefined) inheritInto(call, load.brought);
      if (stale !== undefined) this.report.unserved(attempt);
      return value;
    } catch (error) {
      if (stale !== undefined) {
        if (this.mayStandIn(stale, call)) return this.serveStale(call, stale);
        this.report.unserved(attempt);
      }
      inheritFailureInto(call, loading);
      throw error;
    } finally {
      outer?.waitsFor.delete(loading);
    }
  }

  /** Waits for a load that another caller leads. */
  async join(attempt: Attempt, load: InFlightLoad): Promise<Joined> {
    const { call, stale } = attempt;
    const { loading } = load;
    if (load.fill !== undefined) {
      await load.fill.landed;
      return { kind: 'answered' };
    }
    const outer = call.frame?.loading;
    if (outer?.wouldDeadlock(loading) === true) throw new ReentrantLoadError(call.key.space.namespace);
    outer?.waitsFor.add(loading);
    try {
      // Attached to the result now: the value is copied before the leading caller can lay hands on it.
      const copied = load.result.then((result) => this.copyFor(call, result));
      const ends: readonly Promise<LoadResult | typeof OVERDUE>[] = [copied, load.overdue.then(() => OVERDUE)];
      const isHurried = stale !== undefined && call.policy.softTimeoutMs !== Infinity;
      const end = await (isHurried ? this.orTooSlow(call, stale, ends) : Promise.race(ends));
      if (end === TOO_SLOW) return { kind: 'served', value: this.serveStale(call, stale as Entry) };
      if (end === OVERDUE) return { kind: 'overdue' };
      // The leading caller may be answered before the store; this one's policy says when it is.
      if (!call.policy.answersEarly) await fillOf(load)?.landed;
      if (end.value === NOT_SHAREABLE || isForeign(load)) return { kind: 'not-shared' };
      inheritInto(call, end);
      this.report.unserved(attempt);
      return { kind: 'served', value: end.value };
    } catch (error) {
      if (isForeign(load)) return { kind: 'not-shared' };
      if (stale !== undefined && this.mayStandIn(stale, call)) {
        return { kind: 'served', value: this.serveStale(call, stale) };
      }
      this.report.unserved(attempt);
      inheritFailureInto(call, loading);
      throw error;
    } finally {
      outer?.waitsFor.delete(loading);
    }
  }

  /** Whether a value past its ttl may be served in place of a load. */
  mayStandIn(stale: Entry, { policy }: Call): boolean {
    const nowMs = this.parts.clock.monotonicMs();
    return nowMs < stale.freshUntilMs + graceMs(policy) && nowMs < stale.keptUntilMs;
  }

  serveStale(call: Call, stale: Entry): unknown {
    inheritInto(call, stale);
    return this.lookup.serve(call.key, stale, 'grace', undefined, this.lookup.startedAtMs());
  }

  private async orTooSlow<T>(call: Call, stale: Entry, ends: readonly Promise<T>[]): Promise<T | typeof TOO_SLOW> {
    let cancel = (): void => undefined;
    const tooSlow = new Promise<typeof TOO_SLOW>((resolve) => {
      cancel = this.parts.clock.after(call.policy.softTimeoutMs, () => {
        if (this.mayStandIn(stale, call)) resolve(TOO_SLOW);
      });
    });
    try {
      // The load goes on without this caller; if it fails later, its own report has said so.
      return await Promise.race([...ends, tooSlow]);
    } finally {
      cancel();
    }
  }

  /** A caller that joins gets a copy. What cannot be copied (a stream, say) serves one caller only. */
  private copyFor(call: Call, result: LoadResult): LoadResult {
    try {
      const { value, labels, freshUntilMs } = result;
      return { value: this.parts.copier.copy(value, call.policy.isolation), labels, freshUntilMs };
    } catch {
      // Documented outcome, not a failure: the value could not have been stored either.
      return { ...result, value: NOT_SHAREABLE };
    }
  }
}

/**
 * Its loader saw what fewer people may see than the entry, and only its leading caller is known to be one of them. A
 * caller that joined may be of another tenant, and gets neither the value nor the error.
 */
function isForeign({ loading }: InFlightLoad): boolean {
  return loading.leak !== undefined;
}

/** The fill that is under way by now: a load gets one while callers wait for its value. */
function fillOf({ fill }: InFlightLoad): InFlightLoad['fill'] {
  return fill;
}
