import type { Awaitable } from './async/awaitable.js';
import type { KeyId } from './keys/key.js';
import type { Label } from './keys/label.js';
import type { Generation, Stamp } from './stamp.js';

/** An entry on its way out of the process, or back in. Times are on the clock of the server that keeps it. */
export interface Sealable {
  readonly value: unknown;
  readonly generation: Generation;
  readonly stamp: Stamp;
  readonly labels: readonly Label[];
  /** End of the ttl in milliseconds of the server's clock. Infinity: no expiry. */
  readonly freshUntilServerMs: number;
  /** How long past that the entry is kept. */
  readonly graceMs: number;
}

/** What an envelope held. */
export interface Opened extends Sealable {
  /** Bytes as stored. */
  readonly sizeBytes: number;
  /**
   * The same value once more, for another reader. Only where `open` answered later (compressed and large); otherwise opening
   * the same bytes again answers at once.
   */
  readonly again?: (() => unknown) | undefined;
}

/** The part of an envelope that says what it is, without its value. Nothing in it has been proven yet. */
export type Header = Omit<Sealable, 'value'>;

/**
 * Longest header: room for as many labels as an entry may carry, each as long as labels get. A prefix of so many bytes is
 * enough for {@link Codec.peek}.
 */
export const MAX_HEADER_BYTES = 16_384;

/** Bytes at the start of every envelope that differ between any two sealings: enough to tell whether an entry changed. */
export const ENVELOPE_MARK_BYTES = 16;

/**
 * Turns values into bytes and back. Used by backends that keep entries outside this process. What does not open —
 * wrong magic, version, identity, seal or size — is a miss, never a value and never an exception (invariant 11).
 */
export interface Codec {
  /** @throws UnserializableError, ValueTooLargeError */
  seal(entry: Sealable, id: KeyId): Awaitable<Buffer>;
  /** undefined: not an envelope of ours for this id; told as an event unless it is merely of another version. */
  open(bytes: Buffer, id: KeyId): Awaitable<Opened | undefined>;
  /**
   * The header of an envelope from its first bytes, unverified: for counting and for asking whether an entry is still
   * valid, never for serving a value. undefined: not an envelope of ours for this id.
   */
  peek(prefix: Buffer, id: KeyId): Header | undefined;
  /**
   * Whether bytes that did not open are of no use to any process, so that nothing is lost with them: forged, torn, put
   * under another key. False for what is only of another version or configuration, or larger than this process allows.
   */
  isRuined?(bytes: Buffer): boolean;
  /**
   * For each key that seals or opens, by its id, a text that is the same exactly when the key is (and that tells nothing
   * about it): two processes that keep it in the same keyspace can find out that they share a name but not a key.
   */
  readonly keyChecks: ReadonlyMap<string, string>;
}
