/**
 * The bytes of a stored entry, and nothing about what its body means. An envelope is
 *
 *     0   2  magic          53 e7
 *     2   1  version        1
 *     3   1  flags          bits 0–1 seal (0 none, 1 signed, 2 encrypted), bit 2: the body is ASCII text
 *     4  12  nonce          random, never twice: with the four bytes before it the mark that tells sealings apart, and
 *                           by itself the IV of the encryption
 *    16   2  header length  n, at most MAX_HEADER_BYTES
 *    18   1  format         what the body is: see serializer.ts
 *    19   1  compression    what was done to it: see compressor.ts
 *    20   4  original size  bytes of the body before compression
 *    24   8  stamp          a double
 *    32   8  fresh until    a double, milliseconds of the server's clock; Infinity: no expiry
 *    40   8  grace          a double, milliseconds
 *    48   …  words          ASCII, separated by line feeds: identity, generation, id of the key that sealed it (or ''),
 *                           name of the custom serializer (or ''), labels…
 *     n   …  body           serialized, then compressed, then encrypted
 *     …   …  seal           nothing, 32 bytes of HMAC, or 16 bytes of GCM tag
 *    -4   4  checksum       CRC-32 of everything before it
 *
 * Numbers are little-endian. What every later version keeps: magic, version, the mark, and the checksum at the end, so
 * that a newer envelope can be told from a damaged one. Invariants 11 and 14: every length is checked before anything
 * is sliced, and no change of a byte goes unnoticed (a CRC-32 finds every error of up to 32 bits in a row).
 *
 * The identity is the id itself as long as that is short: comparing a text costs a fifth of hashing one, and every hit
 * pays for it. A longer id becomes `#`, with which no id begins, and 256 bits of digest.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { MAX_HEADER_BYTES, type Header, type Sealable } from '../core/codec.js';
import { TagInvalidError } from '../core/errors.js';
import type { KeyId } from '../core/keys/key.js';
import type { HeaderTails } from './header-tail.js';
import { PIECE_BYTES } from '../core/random-pool.js';

/** How a body is protected. */
export const SEAL = Object.freeze({ none: 0, signed: 1, encrypted: 2 });

const MAGIC = 0xe753;
const VERSION = 1;
const SEAL_BITS = 3;
const ASCII_FLAG = 4;
const KNOWN_FLAGS = 7;
const NONCE_AT = 4;
const WORDS_AT = 48;
const CHECKSUM_BYTES = 4;
const LINE_FEED = 10;
/** The CRC-32 of anything followed by its own CRC-32. */
const SOUND = 0x2144df1c;
/** Bytes of a seal, by its kind. */
const SEAL_BYTES: readonly number[] = Object.freeze([0, 32, 16]);
const MAX_PLAIN_IDENTITY = 128;

export const NONCE_BYTES = PIECE_BYTES;
/** What an envelope may have beside its body. */
export const MAX_OVERHEAD_BYTES: number = MAX_HEADER_BYTES + 32 + CHECKSUM_BYTES;

/** How the body of an envelope is to be read. */
export interface Wrapping {
  /** One of {@link SEAL}. */
  readonly seal: number;
  readonly format: number;
  readonly compression: number;
  /** The body, as serialized, is ASCII: reading it as text is then a copy instead of a decoding. */
  readonly isAscii: boolean;
  readonly originalBytes: number;
  /** Which key sealed it; '' where none did. */
  readonly keyId: string;
  /** Name of the custom serializer; '' for the formats of the library. */
  readonly serializer: string;
}

/** An envelope that has been looked at: what its header says, and where its parts are. Nothing is copied or sliced. */
export interface Envelope {
  readonly bytes: Buffer;
  readonly wrapping: Wrapping;
  readonly header: Header;
  /** Where the body begins, and what protects it ends. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
  readonly sealEnd: number;
}

/** An envelope under construction: the header is written, body and seal are to be put in their places. */
export interface Frame {
  readonly bytes: Buffer;
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/**
 * - `malformed`: no envelope at all, or one whose lengths do not fit
 * - `checksum`: some byte is not what it was
 * - `newer`: an envelope of a later version, in good order
 * - `foreign`: in good order, but of another id
 */
export type Mismatch = 'malformed' | 'checksum' | 'newer' | 'foreign';

/** What an id looks like inside an envelope. */
export function identityOf(id: KeyId): string {
  return id.length <= MAX_PLAIN_IDENTITY ? id : `#${hash('sha256', id, 'base64url')}`;
}

/**
 * Writes a header and leaves room for the rest. `fillNonce` puts 12 random bytes at an offset.
 * @throws TagInvalidError when the labels do not fit into a header
 */
export function frameOf(
  entry: Omit<Sealable, 'value'>,
  wrapping: Wrapping,
  identity: string,
  bodyLength: number,
  fillNonce: (target: Buffer, offset: number) => void,
): Frame {
  const words = wordsOf(entry, wrapping, identity);
  const headerLength = WORDS_AT + words.length;
  if (headerLength > MAX_HEADER_BYTES) {
    throw new TagInvalidError(`all labels of an entry together may take about ${MAX_HEADER_BYTES - 256} bytes`);
  }
  const bodyEnd = headerLength + bodyLength;
  const bytes = Buffer.allocUnsafe(bodyEnd + (SEAL_BYTES[wrapping.seal] ?? 0) + CHECKSUM_BYTES);
  bytes.writeUInt16LE(MAGIC, 0);
  bytes[2] = VERSION;
  bytes[3] = wrapping.seal | (wrapping.isAscii ? ASCII_FLAG : 0);
  fillNonce(bytes, NONCE_AT);
  bytes.writeUInt16LE(headerLength, 16);
  bytes[18] = wrapping.format;
  bytes[19] = wrapping.compression;
  bytes.writeUInt32LE(wrapping.originalBytes, 20);
  bytes.writeDoubleLE(entry.stamp, 24);
  bytes.writeDoubleLE(entry.freshUntilServerMs, 32);
  bytes.writeDoubleLE(entry.graceMs, 40);
  // Labels, ids and names are ASCII by construction; only a generation is whatever a backend made up.
  if (bytes.write(words, WORDS_AT) !== words.length) throw new TypeError('A generation must be ASCII text.');
  return { bytes, bodyStart: headerLength, bodyEnd };
}

/** The last thing done to an envelope. */
export function closeFrame({ bytes }: Frame): Buffer {
  const end = bytes.length - CHECKSUM_BYTES;
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end);
  return bytes;
}

/** Whether bytes begin as envelopes of another version do. */
export function isOfAnotherVersion(bytes: Buffer): boolean {
  return bytes.length > NONCE_AT && bytes.readUInt16LE(0) === MAGIC && bytes[2] !== VERSION;
}

/** Looks at an envelope. Nothing is decoded before the checksum has been found right. */
export function examine(bytes: Buffer, identity: string, tails: HeaderTails): Envelope | Mismatch {
  const sealEnd = bytes.length - CHECKSUM_BYTES;
  if (sealEnd < NONCE_AT + NONCE_BYTES || bytes.readUInt16LE(0) !== MAGIC) return 'malformed';
  if (crc32(bytes) !== SOUND) return 'checksum';
  if (bytes[2] !== VERSION) return (bytes[2] as number) > VERSION ? 'newer' : 'malformed';
  const found = readHeader(bytes, identity, tails);
  if (typeof found === 'string') return found;
  const { headerLength, wrapping, header } = found;
  const bodyEnd = sealEnd - (SEAL_BYTES[wrapping.seal] ?? Infinity);
  return bodyEnd < headerLength ? 'malformed' : { bytes, wrapping, header, bodyStart: headerLength, bodyEnd, sealEnd };
}

/** The random bytes of an envelope. */
export function nonceOf(bytes: Buffer): Buffer {
  return bytes.subarray(NONCE_AT, NONCE_AT + NONCE_BYTES);
}

/** The header of an envelope from its first bytes. Unproven: the checksum is at the other end. */
export function peekAt(prefix: Buffer, identity: string, tails: HeaderTails): Header | undefined {
  if (prefix.length < WORDS_AT || prefix.readUInt16LE(0) !== MAGIC || prefix[2] !== VERSION) return undefined;
  const found = readHeader(prefix, identity, tails);
  return typeof found === 'string' ? undefined : found.header;
}

interface Read {
  readonly headerLength: number;
  readonly wrapping: Wrapping;
  readonly header: Header;
}

function readHeader(bytes: Buffer, identity: string, tails: HeaderTails): Read | Mismatch {
  const headerLength = bytes.length < WORDS_AT ? 0 : bytes.readUInt16LE(16);
  if (headerLength <= WORDS_AT || headerLength > MAX_HEADER_BYTES || headerLength > bytes.length) return 'malformed';
  const words = bytes.toString('latin1', WORDS_AT, headerLength);
  // Compared as a slice: startsWith takes twice as long. The line feed after it says that this is all of it.
  if (words.charCodeAt(identity.length) !== LINE_FEED || words.slice(0, identity.length) !== identity) return 'foreign';
  const { generation, keyId, serializer, labels } = tails.of(words.slice(identity.length + 1));
  const stamp = bytes.readDoubleLE(24);
  const freshUntilServerMs = bytes.readDoubleLE(32);
  const graceMs = bytes.readDoubleLE(40);
  // NaN is neither; a forged one must not make an entry that never ends.
  const isSound = Number.isSafeInteger(stamp) && freshUntilServerMs >= -Infinity && graceMs >= 0;
  const flags = bytes[3] as number;
  if (!isSound || flags > KNOWN_FLAGS || serializer === undefined) return 'malformed';
  return {
    headerLength,
    header: { generation, stamp, labels, freshUntilServerMs, graceMs },
    wrapping: {
      seal: flags & SEAL_BITS,
      format: bytes[18] as number,
      compression: bytes[19] as number,
      isAscii: (flags & ASCII_FLAG) !== 0,
      originalBytes: bytes.readUInt32LE(20),
      keyId,
      serializer,
    },
  };
}

function wordsOf(entry: Omit<Sealable, 'value'>, { keyId, serializer }: Wrapping, identity: string): string {
  const { generation, labels } = entry;
  if (generation.includes('\n')) throw new TypeError('A generation must be one line.');
  const words = `${identity}\n${generation}\n${keyId}\n${serializer}`;
  return labels.length === 0 ? words : `${words}\n${labels.join('\n')}`;
}
