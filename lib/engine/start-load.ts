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
    const { results, flights, clock, watching } = this.parts;
    const loading = new Loading(call.key, call.frame?.loading, clock.monotonicMs());
    const load = new InFlightLoad(call, loading, { lease, stale, freshUntilMs: 0, isBackground, turn: undefined });
    load.watch = new LoadWatch(watching, call.key, call.policy, lease, () => {
      flights.end(load);
      load.becomeOverdue();
      // The next reader need not wait until it runs out.
      void results.release(lease);
    });
    flights.begin(load);
    return load;
  }

  /** A load that stores nothing. It begins at once, or when its turn comes. */
  unleased(call: Call, stale: Entry | undefined, freshUntilMs: number, turn?: Promise<void>): InFlightLoad {
    const loading = new Loading(call.key, call.frame?.loading);
    return new InFlightLoad(call, loading, { lease: undefined, stale, freshUntilMs, isBackground: false, turn });
  }
}
