/** What a backend has to offer, beside being one, to be a level of two. */
import type { Backend, BackendFactory, BackendParts } from '../../core/backend.js';
import type { FollowingWire, Wire } from '../../core/bus.js';
import type { Draft, Entry } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Generation, Stamp } from '../../core/stamp.js';
import type { Invalidation } from './invalidation.js';

/** What tells one stored entry from every other, and whether it was invalidated, without its value. */
export interface Proof {
  /** Differs for any two entries that ever stand under one key. */
  readonly mark: string;
  readonly generation: Generation;
  readonly stamp: Stamp;
}

/** The level that all processes share. */
export interface SecondLevel {
  readonly backend: Backend;
  /** What an entry that was read, or a draft that was stored, can be checked by. Undefined: it must not be copied. */
  proofOf(of: Entry | Draft): Proof | undefined;
  /** Whether the entry of a proof still stands there and is valid. Small, whatever the size of the value. */
  stillStands(key: Key, labels: readonly Label[], proof: Proof): Promise<boolean>;
  /** A way to hear of changes, which the level announces by itself. Undefined: there is none. */
  readonly wire: Wire | FollowingWire | undefined;
}

/** What a second level is built from. */
export interface LevelParts extends BackendParts {
  /** Called when an invalidation that nobody had confirmed has settled after all. */
  readonly onRepeated?: ((invalidation: Invalidation) => void) | undefined;
}

export interface SecondLevelFactory extends BackendFactory {
  /** @param origin names this process among those who share the level. Undefined: the level need not tell of changes */
  asSecondLevel(parts: LevelParts, origin: string | undefined): SecondLevel;
}

export function isSecondLevel(factory: BackendFactory): factory is SecondLevelFactory {
  return typeof (factory as Partial<SecondLevelFactory>).asSecondLevel === 'function';
}
