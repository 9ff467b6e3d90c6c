import type { BackendFactory, BackendParts } from '../../core/backend.js';
import { checkFactory, createBackend } from '../../core/backend-factory.js';
import { machineOf } from '../../core/clock.js';
import { knownOptions } from '../../core/own-options.js';
import { FallbackBackend } from './fallback.backend.js';
import { GuardedBackend } from './guarded.backend.js';
import { GUARD_OPTIONS, resolveGuardOptions, type GuardOptions } from './options.js';

/** How long to wait for a backend, and what to do while it does not answer. */
export interface GuardedOptions extends GuardOptions {
  /**
   * Where to keep entries while the backend does not answer: `memory()`. Only this process sees them, and they go when the
   * backend is back. @default nowhere: loaders run, and nothing is stored
   */
  readonly fallback?: BackendFactory | undefined;
}

/**
 * Makes a backend that can be slow or away safe to use: each call has a deadline, a circuit breaker leaves the backend
 * alone while it does not answer, and invalidations that it has not confirmed are sent again until it has. One line is
 * logged when an outage begins and one when it ends. `redis()` and `mongo()` have all of this already.
 *
 * A backend tells the guard what an error means. A `RefusedError`, and each `CacheError` that is no `BackendError`, is an
 * answer: the caller gets it, and the backend is there. Everything else that is thrown counts as no answer.
 *
 * @experimental The contract of backends may change until 0.1.0.
 * @param factory what makes the backend, as it would be given to `CacheModule`
 * @throws CacheConfigError naming the option that is none, or that cannot work
 * @example
 * CacheModule.forRoot({ backend: guarded(fileStore({ folder: '/var/cache/app' }), { timeout: '100ms' }) })
 */
export function guarded(factory: BackendFactory, options?: GuardedOptions): BackendFactory {
  const { fallback, ...guard } = knownOptions(options, 'guarded', [...GUARD_OPTIONS, 'fallback']);
  const settings = resolveGuardOptions(guard, 'guarded');
  checkFactory(factory, 'guarded');
  if (fallback !== undefined) checkFactory(fallback, 'guarded.fallback');
  return Object.freeze({
    kind: factory.kind,
    about: factory.about,
    create(parts: BackendParts) {
      // Deadlines and pauses go on while a test holds the time of the application.
      const inner = createBackend(factory, parts, 'guarded');
      const backend = new GuardedBackend(inner, settings, { ...parts, clock: machineOf(parts.clock) });
      if (fallback === undefined) return backend;
      return new FallbackBackend(backend, createBackend(fallback, parts, 'guarded.fallback'));
    },
  });
}
