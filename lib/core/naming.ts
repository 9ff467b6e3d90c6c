import { createHash, createHmac } from 'node:crypto';
import { CacheConfigError } from './errors.js';
import { escapeText, unescapeText } from './canonical.js';

/** How names appear in what is stored: readable, or as digests that only holders of the secret can recompute. */
export interface Naming {
  /** False when names are digests: then nothing can be listed or matched by pattern. */
  readonly readable: boolean;
  /** A tenant, user, namespace or tag as a word of an id. Never contains `/ . , |`, apart from dots in namespaces. */
  name(kind: NameKind, text: string): string;
  /** The encoded parts of a key as the last word of an id. */
  parts(encoded: string): string;
}

export type NameKind = 'tenant' | 'user' | 'namespace' | 'tag';

/** Characters of a digest: 192 bits in base64url. */
const DIGEST_LENGTH = 32;
const DEFAULT_MAX_READABLE = 128;

export interface NamingOptions {
  /** Turns every stored name into an HMAC-SHA-256. At least 16 bytes. Patterns and listings are then not available. */
  readonly hashSecret?: string | Buffer | undefined;
  /** Longest key text kept readable, in characters; longer ones become their length and digest. @default 128 */
  readonly maxReadable?: number | undefined;
}

export function createNaming(options: NamingOptions = {}): Naming {
  const maxReadable = options.maxReadable ?? DEFAULT_MAX_READABLE;
  if (!Number.isInteger(maxReadable) || maxReadable < 16 || maxReadable > 4_096) {
    throw new CacheConfigError('keys.maxReadable', 'must be a whole number from 16 to 4096');
  }
  if (options.hashSecret === undefined) return readableNaming(maxReadable);
  if (Buffer.byteLength(options.hashSecret) < 16)
    throw new CacheConfigError('keys.hashSecret', 'must have at least 16 bytes');
  return hashedNaming(Buffer.from(options.hashSecret));
}

function readableNaming(maxReadable: number): Naming {
  return Object.freeze({
    readable: true,
    name: (kind: NameKind, text: string) =>
      kind === 'namespace' ? escapeWord(text) : escapeWord(text).replaceAll('.', '%2E'),
    parts: (encoded: string) =>
      encoded.length <= maxReadable
        ? encoded
        : `#${encoded.length}.${createHash('sha256').update(encoded).digest('base64url').slice(0, DIGEST_LENGTH)}`,
  });
}

function hashedNaming(secret: Buffer): Naming {
  const digest = (domain: string, text: string): string =>
    createHmac('sha256', secret).update(`${domain}\0`).update(text).digest('base64url').slice(0, DIGEST_LENGTH);
  return Object.freeze({ readable: false, name: digest, parts: (encoded: string) => `#${digest('parts', encoded)}` });
}

/** `:` and `@` have a meaning in labels and versions, so names escape them although keys need not. */
function escapeWord(text: string): string {
  return escapeText(text, 'A name').replaceAll(':', '%3A').replaceAll('@', '%40');
}

/** The name back from {@link Naming.name} of a readable naming. */
export function readName(word: string): string {
  return unescapeText(word);
}
