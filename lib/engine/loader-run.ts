import type { Lease } from '../core/backend.js';
import type { Entry } from '../core/entry.js';
import { LoaderTimeoutError } from '../core/errors.js';
import type { Loading } from '../core/frame.js';
import { begunInContext, settledInContext } from '../core/run-in-context.js';
import type { PendingFills } from './bounds/pending-fills.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import type { InFlightLoad } from './in-flight-load.js';
import { LoadContext, NOT_MODIFIED } from './loader.js';
import { LoadWatch, type LoadWatchParts } from './load-watch.js';
import type { Report } from './report.js';
import type { SingleFlight } from './single-flight.js';
import type { Making, Result, ResultWriter, StoreOutcome } from './store-result.js';

export interface LoaderRunParts extends EngineParts {
  readonly report: Report;
  readonly results: ResultWriter;
  readonly flights: SingleFlight;
  readonly fills: PendingFills;
  readonly watching: LoadWatchParts;
}

/** Runs loads, once for each, for the caller that leads it: the loader in the scope of its key, then the fill. */
export class LoaderRun {
  constructor(private readonly parts: LoaderRunParts) {}

  /**
   * The value, or the loader's error, unchanged; the load knows the rest. The loader is called right here, and awaited
   * right here: whatever lay between would take lines of the stack of its error, or end it.
   */
  async run(load: InFlightLoad): Promise<unknown> {
    const { ambient, clock, flights, report, results, watching } = this.parts;
    const { call, loading, rules } = load;
    const { lease, stale, turn, isBackground } = rules;
    const { key, policy } = call;
    if (turn !== undefined) await turn;
    const watch = (load.watch ??= new LoadWatch(watching, load, undefined));
    const context = new LoadContext(key.space, stale === undefined ? undefined : () => stale.value);
    if (isBackground) watch.context = context;
    const frame = { scope: key.space.scope, loading };
    const inContext = ambient.entrance(frame);
    try {
      let answer: unknown;
      const startedAtMs = clock.monotonicMs();
      try {
        const made = inContext(Reflect.apply, call.loader, call.self, call.args ?? [context]);
        const begun = begunInContext(made, inContext, call.onBegun);
        answer = await (policy.hardTimeoutMs === Infinity ? begun : this.withHardTimeout(call, context, begun));
      } catch (error) {
        const outcome = error instanceof LoaderTimeoutError ? 'timed-out' : 'failed';
        report.loaded(call, outcome, startedAtMs, isBackground);
        throw error;
      }
      report.loaded(call, 'ok', startedAtMs, isBackground);
      const value = answer === NOT_MODIFIED ? kept(stale, loading) : answer;
      // Spelled out, and not gathered from parts: spreading costs a miss a quarter of its time.
      const { title, result: rules } = call;
      const loaded = { key, policy, title, rules, value, context, loading, givenUp: watch.refusal };
      const isEarly = policy.answersEarly && !isBackground;
      const { labels, freshUntilMs, refusal } =
        lease === undefined
          ? this.unstored(load, loaded)
          : await (isEarly ? this.storeEarly(load, loaded, lease) : results.store(loaded, lease));
      // What is stored is data through and through.
      const brought = refusal === undefined ? value : settledInContext(ambient, frame, value);
      load.settle({ result: { value: brought, labels, freshUntilMs } });
      return brought;
    } catch (error) {
      if (lease !== undefined) await results.release(lease);
      load.settle({ error });
      throw error;
    } finally {
      loading.end();
      if (load.fill === undefined) {
        flights.end(load);
        watch.stop();
      }
    }
  }

  /**
   * What is known of a result once the backend has taken it in. The load goes on until it is stored: its lease is renewed,
   * closing waits for it, and so does what asks about the entry. What is not taken in is waited for.
   */
  private storeEarly(load: InFlightLoad, result: Result, lease: Lease): Promise<StoreOutcome> {
    const { results, fills, flights } = this.parts;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const stored = results.store(result, lease, (outcome, sizeBytes) => {
        // A backend that has answered already must not begin a fill that nothing would ever end.
        if (isOver || load.fill !== undefined || !fills.admits(sizeBytes)) return;
        load.fill = fills.begin(result.key, sizeBytes);
        resolve(outcome);
      });
      const land = (outcome: StoreOutcome): void => {
        isOver = true;
        if (load.fill !== undefined) {
          flights.end(load);
          load.watch?.stop();
          load.fill.end(outcome.refusal === 'lease-lost' || outcome.refusal === 'invalidated');
        }
        resolve(outcome);
      };
      stored.then(land, (error: Error) => {
        isOver = true;
        reject(error);
      });
    });
  }

  /** What comes of a value that is not to be stored. */
  private unstored({ rules }: InFlightLoad, loaded: Making): StoreOutcome {
    const { freshUntilMs } = rules;
    // Where nothing is stored that is made of it, what it was made of is of no use.
    if (freshUntilMs === Infinity) return this.parts.results.passOn(loaded, 'no-lease');
    return { labels: loaded.key.labels, freshUntilMs, refusal: 'no-lease' };
  }

  private async withHardTimeout(call: Call, context: LoadContext, answer: unknown): Promise<unknown> {
    const { hardTimeoutMs } = call.policy;
    let cancel = (): void => undefined;
    const timeout = new Promise<never>((_, reject) => {
      cancel = this.parts.clock.after(hardTimeoutMs, () => {
        const error = new LoaderTimeoutError(call.key.space.namespace, hardTimeoutMs);
        context.abort(error);
        reject(error);
      });
    });
    try {
      // The loader may still fail after the timeout; its callers have their answer already, and the race has heard it.
      return await Promise.race([answer, timeout]);
    } finally {
      cancel();
    }
  }
}

/**
 * The value from before. What it was made of counts, although this load did not say so: an invalidation of that means the
 * result as well.
 */
function kept(stale: Entry | undefined, loading: Loading): unknown {
  loading.inherit(loading.key.space, stale?.labels ?? [], Infinity);
  return stale?.value;
}
