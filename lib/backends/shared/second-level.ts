/** What a backend has to offer beyond the contract to be the shared level of two. */
import type { Backend, BackendFactory, BackendParts } from '../../core/backend.js';
import type { FollowingWire, Wire } from '../../core/bus.js';
import type { Draft, Entry } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Generation, Stamp } from '../../core/stamp.js';
import type { Invalidation } from './invalidation.js';

/** Identifies one stored entry, and whether it was invalidated, without its value. */
export interface Proof {
  /** Differs for any two entries that are ever stored under one key. */
  readonly mark: string;
  readonly generation: Generation;
  readonly stamp: Stamp;
}

/** The level that all processes share. */
export interface SecondLevel {
  readonly backend: Backend;
  /** What a copy of an entry that was read, or of a draft that was stored, can be checked by. Undefined: it must not be copied. */
  proofOf(of: Entry | Draft): Proof | undefined;
  /** Whether the entry of a proof is still stored there and valid. A small request, whatever the size of the value. */
  stillStands(key: Key, labels: readonly Label[], proof: Proof): Promise<boolean>;
  /** The wire on which the level publishes changes itself. Undefined: there is none. */
  readonly wire: Wire | FollowingWire | undefined;
}

/** What a second level is built from. */
export interface LevelParts extends BackendParts {
  /** Called when an invalidation that was not confirmed before has been confirmed by a resend. */
  readonly onResent?: ((invalidation: Invalidation) => void) | undefined;
}

export interface SecondLevelFactory extends BackendFactory {
  /** @param origin names this process among those that share the level. Undefined: the level need not publish changes */
  asSecondLevel(parts: LevelParts, origin: string | undefined): SecondLevel;
}

export function isSecondLevel(factory: BackendFactory): factory is SecondLevelFactory {
  return typeof (factory as Partial<SecondLevelFactory>).asSecondLevel === 'function';
}
