import type { BackendFactory } from '../../../lib/core/backend.js';
import { systemClock } from '../../../lib/core/clock.js';
import { Rig } from '../../support/machine/rig.js';
import type { Played } from './play.js';
import { RigSubject, type Subject } from './subject.js';

/** As many machines as there are factories: one for each process of the history. */
export function machines(factories: readonly BackendFactory[]): Subject[] {
  return factories.map((backend) => new RigSubject(new Rig({ backend, clock: systemClock, isHeard: false })));
}

/** How busy it was, so that "nothing was stale" means something; and the first proof if something was. */
export function summary({ history, loads, failures }: Played, seed: number): Record<string, unknown> {
  const violations = history.violations();
  return {
    seed,
    reads: history.reads.length,
    invalidations: history.invalidations.length,
    loads,
    failures,
    stale: violations.length,
    first: violations[0],
  };
}
