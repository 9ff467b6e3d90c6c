import type { Lease } from '../core/backend.js';
import type { Entry } from '../core/entry.js';
import { Loading } from '../core/frame.js';
import { begunInContext, settledInContext } from '../core/run-in-context.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import type { Making, ResultWriter, Settled } from './store-result.js';
import { LoadContext, NOT_MODIFIED } from './loader.js';
import type { LoaderRun, Watch } from './loader-run.js';
import { InFlightLoad, type LoadResult, type SingleFlight } from './single-flight.js';

export interface LoadStarterParts extends EngineParts {
  readonly flights: SingleFlight;
  readonly filler: ResultWriter;
  readonly run: LoaderRun;
}

/** One load on its way: what it is for, and by which rules it goes. */
interface Trip {
  readonly call: Call;
  readonly loading: Loading;
  /** Undefined: nothing is stored. */
  readonly lease: Lease | undefined;
  /** What stood there when it began. */
  readonly spare: Entry | undefined;
  /** How long what is made of it may live, where it is not stored itself. */
  readonly freshUntilMs: number;
  readonly isBackground: boolean;
  /** A load under a lease is watched from the moment that has it. */
  readonly watch: Watch | undefined;
  /** It begins when its turn comes. */
  readonly turn: Promise<void> | undefined;
}

/** Makes loads ready: under a lease, with a fill at the end, or without one, with nothing stored. They begin as flights. */
export class LoadStarter {
  constructor(private readonly parts: LoadStarterParts) {}

  /** A load under a lease. `spare` is what stood there when the lease was granted. */
  leased(call: Call, lease: Lease, spare: Entry | undefined, isBackground: boolean): InFlightLoad {
    const { run, filler, flights } = this.parts;
    const loading = new Loading(call.key, call.frame?.loading, this.parts.clock.monotonicMs());
    const watch = run.watch(call.key, lease, () => {
      flights.end(flight);
      flight.becomeOverdue();
      // The next reader need not wait until it runs out.
      void filler.release(lease);
    });
    const trip = { call, loading, lease, spare, freshUntilMs: 0, isBackground, watch, turn: undefined };
    const flight = new InFlightLoad(call.key.id, lease.token, loading, this.fly.bind(this, trip));
    flights.begin(flight);
    return flight;
  }

  /** A load that stores nothing. It begins at once, or when its turn comes. */
  unleased(call: Call, spare: Entry | undefined, freshUntilMs: number, turn?: Promise<void>): InFlightLoad {
    const loading = new Loading(call.key, call.frame?.loading);
    const trip = { call, loading, lease: undefined, spare, freshUntilMs, isBackground: false, watch: undefined, turn };
    return new InFlightLoad(call.key.id, undefined, loading, this.fly.bind(this, trip));
  }

  /**
   * The load itself. The loader is called right here, and awaited right here: whatever lay between would take lines of
   * the stack of its error, or end it.
   */
  private async fly(trip: Trip, flight: InFlightLoad): Promise<LoadResult> {
    const { run, filler, ambient, clock } = this.parts;
    const { call, loading, lease, isBackground } = trip;
    if (trip.turn !== undefined) await trip.turn;
    const watch = trip.watch ?? run.watch(call.key, undefined, () => flight.becomeOverdue());
    const context = contextOf(call, trip.spare);
    const inContext = ambient.entrance({ scope: call.key.space.scope, loading });
    try {
      let answer: unknown;
      const startedAtMs = clock.monotonicMs();
      try {
        const made = inContext(Reflect.apply, call.loader, call.self, call.args ?? [context]);
        call.onBegun?.(made);
        answer = await run.bounded(call, context, begunInContext(made, inContext));
      } catch (error) {
        run.ended(call, startedAtMs, isBackground, error);
        throw error;
      }
      run.ended(call, startedAtMs, isBackground);
      const { key, policy, result: rules } = call;
      const value = valueOf(answer, trip.spare, loading);
      // Spelled out, and not gathered from parts: spreading costs a miss a quarter of its time.
      const result = { key, policy, rules, value, context, loading, isLate: watch.isLate };
      const loaded =
        lease === undefined ? this.unstored(trip, result) : this.settled(await filler.settle(result, lease), loading);
      flight.land({ loaded });
      return loaded;
    } catch (error) {
      if (lease !== undefined) await filler.release(lease);
      flight.land({ error });
      throw error;
    } finally {
      this.parts.flights.end(flight);
      watch.stop();
      loading.end();
    }
  }

  /** What is stored is data through and through. */
  private settled(settled: Settled, loading: Loading): LoadResult {
    return settled.refusal === undefined ? settled : this.withLazySteps(settled, loading);
  }

  private unstored({ freshUntilMs, loading }: Trip, result: Making): LoadResult {
    const { value, key } = result;
    // Where nothing is stored that is made of it, nobody has to know what it was made of.
    if (freshUntilMs !== Infinity) return this.withLazySteps({ value, labels: key.labels, freshUntilMs }, loading);
    return this.withLazySteps(this.parts.filler.passOn(result), loading);
  }

  private withLazySteps(loaded: LoadResult, loading: Loading): LoadResult {
    const frame = { scope: loading.key.space.scope, loading };
    return { ...loaded, value: settledInContext(this.parts.ambient, frame, loaded.value) };
  }
}

/**
 * The loader's answer, or the value from before: that means the same to whoever invalidates what it was made of, although
 * this load did not say so.
 */
function valueOf(answer: unknown, spare: Entry | undefined, loading: Loading): unknown {
  if (answer !== NOT_MODIFIED) return answer;
  loading.inherit(loading.key.space, spare?.labels ?? [], Infinity);
  return spare?.value;
}

function contextOf(call: Call, spare: Entry | undefined): LoadContext {
  return LoadContext.of(call.key, spare === undefined ? undefined : () => spare.value);
}
