import type { Backend } from '../core/backend.js';
import type { Clock } from '../core/clock.js';
import type { Copier } from '../core/values/copier.js';
import type { AmbientContext } from '../core/frame.js';
import type { KeyFactory } from '../core/keys/key.js';
import type { Limits } from '../core/limits.js';
import type { EmitHits } from '../core/observer.js';

/** What the engine works with. Handed in once by `assemble`. */
export interface EngineParts {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly copier: Copier;
  readonly keyFactory: KeyFactory;
  readonly ambient: AmbientContext;
  readonly limits: Limits;
  readonly emit: EmitHits;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** False: every call runs its loader and nothing is read or stored. */
  readonly isEnabled: boolean;
}
