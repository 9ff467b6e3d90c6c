import type { Isolation } from './values/isolation.js';
import type { Key, KeyId } from './keys/key.js';
import type { Label } from './keys/label.js';
import type { Generation, Stamp } from './stamp.js';

/** Where an entry was found: in this process, or on a server. */
export type Level = 'l1' | 'l2';

/** How the answer to a read is to be treated on its way. */
export interface Handling {
  /** How a copy on the way is kept apart from its readers. Undefined: as the level does by itself. */
  readonly isolation?: Isolation | undefined;
  /** The nearest level that may keep the entry. Undefined: any may. */
  readonly level?: Level | undefined;
  /** A copy on the way must have been checked since this moment. Undefined: it is believed as long as the level does. */
  readonly checkedSinceMs?: number | undefined;
}

/** A stored value and everything needed to judge it. Times are on the monotonic clock of this process. */
export interface Entry {
  /** Whose value this is, as stored with it. */
  readonly identity: KeyId;
  readonly generation: Generation;
  /** Taken before the loader began (invariant 3). */
  readonly stamp: Stamp;
  readonly labels: readonly Label[];
  /** End of the ttl. Infinity: no expiry. */
  readonly freshUntilMs: number;
  /** End of the longest stale window. After it the entry does not exist. */
  readonly keptUntilMs: number;
  readonly sizeBytes: number;
  /** Where it stands, as in `Reading`: the answer to a read that has just copied it says from where. */
  readonly level: Level;
  /** A value the caller may keep: each look at this property hands out one of its own, which no other caller sees. */
  readonly value: unknown;
  /** Whether the identity, as it was stored, is that of the key. Asked at every read: the last line of isolation. */
  isOf(key: Key): boolean;
}

/** A value on its way into a backend. Times are spans, since every backend has a clock of its own. */
export interface Draft {
  readonly value: unknown;
  /** All labels, those of the key and those the result brought. */
  readonly labels: readonly Label[];
  /** Infinity: no expiry. */
  readonly freshForMs: number;
  /** `freshForMs` and the longest stale window. */
  readonly keptForMs: number;
  /** How the value is kept apart from its readers. A backend that keeps bytes need not look: each reader gets a copy. */
  readonly isolation: Isolation | undefined;
  /** The nearest level that may keep it. Undefined: any may. */
  readonly level?: Level | undefined;
  /**
   * For a backend that answers a fill later: to be called, once at most and before it answers, as soon as the value has been
   * copied or turned into so many bytes and is not looked at again. Its caller may have it then, and change it. A backend
   * that does not call it makes callers wait for its answer. What stands around a backend and looks at the value itself, or
   * keeps the draft, has to have its own copy before it lets this be called.
   */
  readonly onAdmitted?: ((sizeBytes: number) => void) | undefined;
}
