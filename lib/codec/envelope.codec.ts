/**
 * Converts between values and bytes: serialize → compress → seal, and back. Keeps invariant 11: whatever bytes come in,
 * `open` answers with the value that was sealed for this id, or with undefined, and never throws.
 *
 * Why something did not open decides how it is reported. Damage (an event each time) means that bytes were changed, cut
 * short, forged, or put where they do not belong. What another process of another configuration wrote (a key, a class,
 * a serializer or a compression that is unknown here) is a warning once for each reason. A newer version is not reported at all:
 * that is what a rolling deployment looks like. Nothing is ever deleted here; the backend that keeps the bytes
 * may ask whether any process could still use them.
 */
import { andThen, isPending, type Awaitable } from '../core/async/awaitable.js';
import { registerClasses } from '../core/values/classes.js';
import type { Codec, Header, Opened, Sealable } from '../core/codec.js';
import { Copier } from '../core/values/copier.js';
import { CacheConfigError } from '../core/errors.js';
import { originOf, type KeyId } from '../core/keys/key.js';
import { digestOf } from '../core/keys/key-digest.js';
import type { Limits } from '../core/limits.js';
import type { DamageReason, Emit } from '../core/observer.js';
import { RandomPool } from '../core/random-pool.js';
import { bytesOf } from './bytes.js';
import type { ResolvedCodecOptions } from './codec.options.js';
import { canInflate, Compressor, inflate, UNCOMPRESSED } from './compressor.js';
import {
  closeFrame,
  examine,
  frameOf,
  identityOf,
  isOfAnotherVersion,
  MAX_OVERHEAD_BYTES,
  peekAt,
  SEAL,
  type Envelope,
} from './envelope.js';
import { HeaderTails } from './header-tail.js';
import { Sealer } from './sealer.js';
import { BodySerializer, contentBytes, LateValueError, type Body } from './serializer.js';
import { UnknownClassError } from './tagged.js';

export interface CodecParts {
  readonly limits: Limits;
  readonly emit: Emit;
  /** The keyspace of the cache. Two of them share no derived key. */
  readonly prefix: string;
}

/** Largest body that is opened, however small `limits.maxValueBytes` is here: another process may allow more. */
const MIN_MAX_BODY_BYTES = 16_777_216;
/** A value is turned into text and back in one piece, and follows others on their connection. */
const MOST_VALUE_BYTES = 8_388_608;
const NO_CHECKS: ReadonlyMap<string, string> = new Map();
const FOREIGN = Object.freeze({
  key: 'were sealed with a key that is not in codec.encryption.keys',
  class: 'contain a class that is not in codec.types, or is registered there in another way',
  serializer: 'were written by a codec.serializer of another name',
  late: 'are turned into promises by codec.serializer.deserialize, which has to answer at once',
  compression: 'were compressed in a way that this Node cannot undo',
});

type Foreign = keyof typeof FOREIGN;

/** @throws CacheConfigError when a class cannot be registered, or values may be too large to leave the process */
export function createCodec(options: ResolvedCodecOptions, parts: CodecParts): Codec {
  if (parts.limits.maxValueBytes > MOST_VALUE_BYTES)
    throw new CacheConfigError(
      'limits.maxValueBytes',
      `must not exceed ${MOST_VALUE_BYTES} (8 MiB) where values leave the process: writing and reading one would keep all other calls waiting. Keep what is larger where files are kept, and cache its address; or keep it in memory()`,
    );
  return new EnvelopeCodec(options, parts);
}

class EnvelopeCodec implements Codec {
  readonly keyChecks: ReadonlyMap<string, string>;
  private readonly maxBodyBytes: number;
  private readonly serializer: BodySerializer;
  private readonly compressor: Compressor | undefined;
  private readonly sealer: Sealer | undefined;
  /** Of IVs. */
  private readonly nonces = new RandomPool();
  private readonly tails = new HeaderTails();
  private readonly emit: Emit;
  /** Bytes that did not open, for as long as a reader holds them. */
  private readonly ruined = new WeakSet<Buffer>();
  /** What has been warned about. At most one of each kind. */
  private readonly warnedTopics = new Set<Foreign | 'worn-out'>();

  constructor({ types, serializer, compression, keyRing }: ResolvedCodecOptions, { limits, emit, prefix }: CodecParts) {
    this.emit = emit;
    this.maxBodyBytes = Math.max(MIN_MAX_BODY_BYTES, limits.maxValueBytes);
    this.serializer = new BodySerializer({
      copier: new Copier(types),
      classes: registerClasses(types),
      custom: serializer,
      maxValueBytes: limits.maxValueBytes,
      maxBodyBytes: this.maxBodyBytes,
    });
    this.compressor = compression && new Compressor(compression);
    this.sealer = keyRing && new Sealer(keyRing, prefix, (keyId) => this.warnOfWear(keyId));
    this.keyChecks = this.sealer?.keyChecks() ?? NO_CHECKS;
  }

  seal(entry: Sealable, id: KeyId): Awaitable<Buffer> {
    const body = this.serializer.serialize(entry.value);
    const { compressor } = this;
    if (compressor === undefined || !compressor.isWorthwhile(body.byteLength)) {
      return this.wrap(entry, id, body, body.content, UNCOMPRESSED);
    }
    const bytes = contentBytes(body);
    return andThen(compressor.deflate(bytes), (smaller) =>
      smaller.length < bytes.length
        ? this.wrap(entry, id, body, smaller, compressor.number)
        : this.wrap(entry, id, body, bytes, UNCOMPRESSED),
    );
  }

  open(bytes: Buffer, id: KeyId): Awaitable<Opened | undefined> {
    if (bytes.length > this.maxBodyBytes + MAX_OVERHEAD_BYTES) return this.damaged(bytes, id, 'too-large');
    const envelope = examine(bytes, identityOf(id), this.tails);
    if (envelope === 'newer') return undefined;
    if (envelope === 'foreign') return this.mistaken(bytes, id);
    if (typeof envelope === 'string') return this.damaged(bytes, id, envelope);
    if (envelope.wrapping.originalBytes > this.maxBodyBytes) return this.damaged(bytes, id, 'too-large');
    return envelope.wrapping.seal === SEAL.none ? this.openPlain(envelope, id) : this.openSealed(envelope, id);
  }

  peek(prefix: Buffer, id: KeyId): Header | undefined {
    return peekAt(prefix, identityOf(id), this.tails);
  }

  private wrap(
    entry: Sealable,
    id: KeyId,
    { format, serializer, byteLength, isAscii }: Body,
    content: string | Uint8Array,
    compression: number,
  ): Buffer {
    const { sealer } = this;
    const wrapping = {
      seal: sealer?.seal ?? SEAL.none,
      format,
      compression,
      isAscii,
      originalBytes: byteLength,
      keyId: sealer?.keyId ?? '',
      serializer,
    };
    const length = typeof content === 'string' ? byteLength : content.byteLength;
    const frame = frameOf(entry, wrapping, identityOf(id), length, this.nonces.fill);
    const { bytes, bodyStart } = frame;
    if (typeof content === 'string') bytes.write(content, bodyStart, isAscii ? 'latin1' : 'utf8');
    else bytes.set(bytesOf(content), bodyStart);
    sealer?.close(frame, id);
    return closeFrame(frame);
  }

  private openPlain(envelope: Envelope, id: KeyId): Awaitable<Opened | undefined> {
    if (this.sealer !== undefined) return this.damaged(envelope.bytes, id, 'unsealed');
    const { bytes, bodyStart, bodyEnd, wrapping } = envelope;
    if (wrapping.compression === UNCOMPRESSED) return this.read(envelope, id, bytes, bodyStart, bodyEnd);
    return this.inflate(envelope, id, bytes.subarray(bodyStart, bodyEnd));
  }

  private openSealed(envelope: Envelope, id: KeyId): Awaitable<Opened | undefined> {
    const { wrapping } = envelope;
    if (this.sealer?.knows(wrapping.keyId) !== true) return this.foreign('key');
    const body = this.sealer.open(envelope, id);
    if (body === undefined) return this.damaged(envelope.bytes, id, 'forged');
    if (wrapping.compression === UNCOMPRESSED) return this.read(envelope, id, body, 0, body.length);
    return this.inflate(envelope, id, body);
  }

  private inflate(envelope: Envelope, id: KeyId, body: Buffer): Awaitable<Opened | undefined> {
    const { compression, originalBytes } = envelope.wrapping;
    if (!canInflate(compression)) return this.foreign('compression');
    const read = (whole: Buffer) => this.read(envelope, id, whole, 0, whole.length);
    const readLater = (whole: Buffer) => {
      const opened = read(whole);
      return opened && { ...opened, again: () => read(whole)?.value };
    };
    try {
      const whole = inflate(compression, body, originalBytes);
      return isPending(whole)
        ? whole.then(readLater, () => this.damaged(envelope.bytes, id, 'unreadable'))
        : read(whole);
    } catch {
      // A bomb, or a stream that ends in its middle.
      return this.damaged(envelope.bytes, id, 'unreadable');
    }
  }

  private read({ wrapping, header, bytes }: Envelope, id: KeyId, source: Buffer, start: number, end: number) {
    const { format, serializer, isAscii, originalBytes } = wrapping;
    if (end - start !== originalBytes) return this.damaged(bytes, id, 'malformed');
    if (!this.serializer.knows(format, serializer)) return this.foreign('serializer');
    try {
      const value = this.serializer.deserialize(format, isAscii, source, start, end);
      const { generation, stamp, labels, freshUntilServerMs, graceMs } = header;
      return { value, generation, stamp, labels, freshUntilServerMs, graceMs, sizeBytes: bytes.length };
    } catch (error) {
      if (error instanceof UnknownClassError) return this.foreign('class');
      if (error instanceof LateValueError) return this.foreign('late');
      // What a serializer of the application refuses, that of another release may be ready to read.
      return this.damaged(bytes, id, 'unreadable', !this.serializer.isCustom(format));
    }
  }

  isRuined(bytes: Buffer): boolean {
    return this.ruined.has(bytes);
  }

  private damaged(bytes: Buffer, id: KeyId, reason: DamageReason, isForAll = true): undefined {
    // What is too large here, or of an earlier version, another process may be ready to open.
    if (isForAll && reason !== 'too-large' && !(reason === 'malformed' && isOfAnotherVersion(bytes)))
      this.ruined.add(bytes);
    this.emit.event({ type: 'damaged', reason, ...placeOf(id) });
  }

  private mistaken(bytes: Buffer, id: KeyId): undefined {
    this.ruined.add(bytes);
    this.emit.event({ type: 'identity-mismatch', ...placeOf(id) });
  }

  private foreign(reason: Foreign): undefined {
    this.warnOnce(reason, `Some stored entries ${FOREIGN[reason]}. They count as misses.`);
  }

  private warnOfWear(keyId: string): void {
    this.warnOnce(
      'worn-out',
      `The key ${keyId} in codec.encryption.keys has sealed 2³¹ entries of one tenant: rotate it.`,
    );
  }

  private warnOnce(topic: Foreign | 'worn-out', message: string): void {
    if (this.warnedTopics.has(topic)) return;
    this.warnedTopics.add(topic);
    this.emit.event({ type: 'warning', message });
  }
}

function placeOf(id: KeyId) {
  return { ...originOf(id), keyDigest: digestOf(id) };
}
