import type { Backend, BackendFactory, BackendParts } from '../../../lib/core/backend.js';
import type { RegisteredType } from '../../../lib/core/values/type-registration.js';
import type { Clock } from '../../../lib/core/clock.js';
import { Copier } from '../../../lib/core/values/copier.js';
import { resolveLimits, type LimitOptions } from '../../../lib/core/limits.js';
import { seededRandom } from '../../../lib/testing/seeded-random.js';

export interface PartsOptions {
  readonly clock: Clock;
  readonly types?: readonly RegisteredType[];
  readonly limits?: LimitOptions;
  readonly prefix?: string;
}

/** What `assemble` would hand to a backend, with nobody listening and chance made repeatable. */
export function backendParts({ clock, types = [], limits, prefix = 'test' }: PartsOptions): BackendParts {
  return {
    clock,
    copier: new Copier(types),
    emit: { isHeard: false, event: () => undefined },
    limits: resolveLimits(limits),
    prefix,
    random: seededRandom(1),
    codec: () => {
      throw new Error('A backend that keeps objects has no use for a codec.');
    },
  };
}

/**
 * One backend object for several machines, as a server would be for several processes. It is made by the first machine
 * that asks, and outlives them all: closing is up to the test.
 */
export function shared(factory: BackendFactory): BackendFactory {
  let only: Backend | undefined;
  return { kind: factory.kind, create: (parts) => (only ??= factory.create(parts)) };
}
