import type { Lease } from '../core/backend.js';
import type { Clock } from '../core/clock.js';
import type { Entry } from '../core/entry.js';
import { Loading } from '../core/frame.js';
import type { Call } from './call.js';
import { InFlightLoad } from './in-flight-load.js';
import { LoadWatch, type LoadWatchParts } from './load-watch.js';
import type { SingleFlight } from './single-flight.js';
import type { ResultWriter } from './store-result.js';

export interface LoadStarterParts {
  readonly clock: Clock;
  readonly flights: SingleFlight;
  readonly results: ResultWriter;
  readonly watching: LoadWatchParts;
}

/** Makes loads ready: under a lease, with a fill at the end, or without one, with nothing stored. */
export class LoadStarter {
  constructor(private readonly parts: LoadStarterParts) {}

  /** A load under a lease. `stale` is what stood there when the lease was granted. */
  leased(call: Call, lease: Lease, stale: Entry | undefined, isBackground: boolean): InFlightLoad {
    const { flights, clock, watching } = this.parts;
    const loading = new Loading(call.key, call.frame?.loading, clock.monotonicMs());
    const rules = { lease, stale, freshUntilMs: 0, isBackground, turn: undefined };
    const load = new InFlightLoad(call, loading, rules, this.overdue);
    load.watch = new LoadWatch(watching, load, lease);
    flights.begin(load);
    return load;
  }

  /** A load that stores nothing. It begins at once, or when its turn comes. */
  unleased(call: Call, stale: Entry | undefined, freshUntilMs: number, turn?: Promise<void>): InFlightLoad {
    const loading = new Loading(call.key, call.frame?.loading);
    return new InFlightLoad(call, loading, { lease: undefined, stale, freshUntilMs, isBackground: false, turn });
  }

  private readonly overdue = (load: InFlightLoad): void => {
    const { results, flights } = this.parts;
    flights.end(load);
    // The next reader need not wait until it runs out.
    if (load.rules.lease !== undefined) void results.release(load.rules.lease);
  };
}
