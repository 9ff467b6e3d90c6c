import { createHash, createHmac, createSecretKey, KeyObject } from 'node:crypto';
import { CacheConfigError, KeyInvalidError } from '../errors.js';
import { escapeText } from '../values/escape.js';
import { wholeNumber } from '../limits.js';
import { ownOptions } from '../own-options.js';

/** How names appear in what is stored: readable, or as digests that only holders of the secret can recompute. */
export interface Naming {
  /** False when names are digests: then nothing can be listed or matched by pattern. */
  readonly readable: boolean;
  /** A tenant, user, namespace or tag as a word of an id. Never contains `/ : @ , |`, and a dot only in namespaces. */
  name(kind: NameKind, text: string): string;
  /** One encoded part of a key, shortened if it is long. */
  part(encoded: string): string;
  /** The parts, joined by commas, as the last word of the id that begins with `prefix`. */
  parts(prefix: string, joined: string): string;
}

export type NameKind = 'tenant' | 'user' | 'namespace' | 'tag';

/** Characters of a digest: 192 bits in base64url. */
const DIGEST_LENGTH = 32;
const DEFAULT_MAX_READABLE = 128;
/** An id stays readable up to so many times `maxReadable`. */
const MAX_LONG_PARTS = 8;
const MIN_SECRET_BYTES = 16;

export interface NamingOptions {
  /** Turns every stored name into an HMAC-SHA-256. At least 16 bytes. Patterns and listings are then not available. */
  readonly hashSecret?: string | Buffer | KeyObject | undefined;
  /**
   * Longest part of a key (argument) kept readable, in characters as encoded; a longer one becomes its length and digest,
   * which no pattern matches but a wildcard. So does the whole of a key more than eight times as long. @default 128
   */
  readonly maxReadable?: number | undefined;
}

/** @throws CacheConfigError naming the option */
export function createNaming(options?: NamingOptions): Naming {
  const { hashSecret, maxReadable } = ownOptions(options, 'keys');
  const longest = wholeNumber(maxReadable, 'keys.maxReadable', DEFAULT_MAX_READABLE, 16, 4_096);
  if (hashSecret === undefined) return readableNaming(longest);
  const secret = hashKeyOf(hashSecret);
  if (secret !== undefined) return hashedNaming(secret);
  throw new CacheConfigError(
    'keys.hashSecret',
    `must be a text, Buffer or secret KeyObject of at least ${MIN_SECRET_BYTES} bytes`,
  );
}

/** The secret in a form that does not show what is in it when something that holds it is logged. Undefined: it is none. */
export function hashKeyOf(secret: unknown): KeyObject | undefined {
  const isText = typeof secret === 'string' || secret instanceof Uint8Array;
  if (isText) return Buffer.byteLength(secret) < MIN_SECRET_BYTES ? undefined : createSecretKey(Buffer.from(secret));
  if (!(secret instanceof KeyObject) || secret.type !== 'secret') return undefined;
  return (secret.symmetricKeySize ?? 0) < MIN_SECRET_BYTES ? undefined : secret;
}

function readableNaming(maxReadable: number): Naming {
  return Object.freeze({
    readable: true,
    name: (kind: NameKind, text: string) => {
      if (/^[\w-]*$/.test(text)) return text;
      const word = escapeWord(text);
      return kind === 'namespace' ? word : word.replaceAll('.', '%2E');
    },
    part: (encoded: string) => (encoded.length <= maxReadable ? encoded : `#${shortened(encoded)}`),
    // Two marks: the digest of a whole list is not the digest of a list's only part.
    parts: (_prefix: string, joined: string) =>
      joined.length <= MAX_LONG_PARTS * maxReadable ? joined : `##${shortened(joined)}`,
  });
}

/** No encoding of a value begins with `#`, so what is shortened never equals what is not. */
function shortened(encoded: string): string {
  return `${encoded.length}.${createHash('sha256').update(encoded).digest('base64url').slice(0, DIGEST_LENGTH)}`;
}

function hashedNaming(secret: KeyObject): Naming {
  const digest = (domain: string, text: string): string => {
    const hmac = createHmac('sha256', secret).update(`${domain}\0`).update(text);
    return hmac.digest('base64url').slice(0, DIGEST_LENGTH);
  };
  return Object.freeze({
    readable: false,
    name: (kind: NameKind, text: string) => digest(kind, sound(text)),
    part: (encoded: string) => encoded,
    // The prefix is part of what is hashed: equal arguments of two tenants do not show that they are equal.
    parts: (prefix: string, joined: string) => `#${digest(`parts ${prefix}`, joined)}`,
  });
}

/** Lone surrogates all become the same bytes when hashed. */
function sound(text: string): string {
  if (!text.isWellFormed())
    throw new KeyInvalidError('A name', 'is not well-formed text (it contains a lone surrogate)');
  return text;
}

/** `:` and `@` have a meaning in labels and versions, so names escape them although keys need not. */
function escapeWord(text: string): string {
  return escapeText(text, 'A name').replaceAll(':', '%3A').replaceAll('@', '%40');
}

/** A version of a namespace, as written. */
export function checkVersion(version: string): string {
  if (/^[\w.-]{1,64}$/.test(version)) return version;
  throw new CacheConfigError('version', 'must be 1 to 64 letters, digits or _ . -');
}
