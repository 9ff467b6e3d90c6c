import type { Awaitable } from './awaitable.js';
import type { Entry } from './entry.js';
import type { KeyId } from './key.js';

/**
 * The door between values and bytes, used by backends that keep entries outside this process. What does not open —
 * wrong magic, version, identity, seal or size — is a miss, never a value and never an exception (invariant 11).
 */
export interface Codec {
  seal(entry: Entry, id: KeyId): Awaitable<Uint8Array>;
  open(bytes: Uint8Array, id: KeyId): Awaitable<Entry | undefined>;
}
