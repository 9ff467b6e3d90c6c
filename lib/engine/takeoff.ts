import type { Lease } from '../core/backend.js';
import type { Entry } from '../core/entry.js';
import { Loading } from '../core/frame.js';
import { settledInside } from '../core/inside.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import type { Filler } from './filler.js';
import { LoadContext, NOT_MODIFIED } from './loader.js';
import type { LoaderRun, Watch } from './loader-run.js';
import { Flight, type Loaded, type SingleFlight } from './single-flight.js';

export interface TakeoffParts extends EngineParts {
  readonly flights: SingleFlight;
  readonly filler: Filler;
  readonly run: LoaderRun;
}

/** Starts loads: under a lease, with a fill at the end, or without one, with nothing stored. */
export class Takeoff {
  constructor(private readonly parts: TakeoffParts) {}

  /** A load under a lease. `spare` is what stood there when the lease was granted. */
  leased(call: Call, lease: Lease, spare: Entry | undefined, isBackground: boolean): Flight {
    const { run, filler, flights } = this.parts;
    const loading = new Loading(call.key, call.frame?.loading, this.parts.clock.monotonicMs());
    const watch = run.watch(call.key, lease, () => {
      flights.end(flight);
      flight.becomeOverdue();
      // The next reader need not wait until it runs out.
      void filler.release(lease);
    });
    const landing = this.loadAndFill(call, lease, loading, spare, watch, isBackground);
    const flight = new Flight(call.key.id, lease.token, loading, landing);
    flights.begin(flight);
    return flight;
  }

  /** A load that stores nothing. It begins at once, or when its turn comes. */
  unleased(call: Call, spare: Entry | undefined, freshUntilMs: number, turn?: Promise<void>): Flight {
    const loading = new Loading(call.key, call.frame?.loading);
    const load = async (): Promise<Loaded> => {
      const watch = this.parts.run.watch(call.key, undefined, () => flight.becomeOverdue());
      return this.load(call, loading, spare, freshUntilMs).finally(() => {
        watch.stop();
        loading.end();
      });
    };
    const landing = turn === undefined ? load() : turn.then(load);
    const flight = new Flight(call.key.id, undefined, loading, landing);
    return flight;
  }

  private async loadAndFill(
    call: Call,
    lease: Lease,
    loading: Loading,
    spare: Entry | undefined,
    watch: Watch,
    isBackground: boolean,
  ): Promise<Loaded> {
    const { run, filler } = this.parts;
    const { key, policy, result: rules } = call;
    const context = contextOf(call, spare);
    try {
      const answer = await run.execute(call, context, loading, isBackground);
      const value = valueOf(answer, spare, loading);
      const settled = await filler.settle({ key, policy, rules, value, context, loading, isLate: watch.isLate }, lease);
      // What is stored is data through and through.
      return settled.refusal === undefined ? settled : this.withLateSteps(settled, loading);
    } catch (error) {
      await filler.release(lease);
      throw error;
    } finally {
      watch.stop();
      loading.end();
    }
  }

  private async load(call: Call, loading: Loading, spare: Entry | undefined, freshUntilMs: number): Promise<Loaded> {
    const { key, result: rules } = call;
    const context = contextOf(call, spare);
    const value = valueOf(await this.parts.run.execute(call, context, loading, false), spare, loading);
    // Where nothing is stored that is made of it, nobody has to know what it was made of.
    if (freshUntilMs !== Infinity) return this.withLateSteps({ value, labels: key.labels, freshUntilMs }, loading);
    return this.withLateSteps(this.parts.filler.passOn({ key, rules, value, context, loading }), loading);
  }

  private withLateSteps(loaded: Loaded, loading: Loading): Loaded {
    const frame = { scope: loading.key.space.scope, loading };
    return { ...loaded, value: settledInside(this.parts.surroundings, frame, loaded.value) };
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
