import { crc32 } from 'node:zlib';
import { createCodec } from '../../../../lib/codec/envelope.codec.js';
import { resolveCodecOptions, type CodecOptions } from '../../../../lib/codec/codec.options.js';
import { closeFrame, frameOf, identityOf, SEAL, type Wrapping } from '../../../../lib/codec/envelope.js';
import type { EncryptionKey } from '../../../../lib/codec/key-ring.js';
import type { Codec, Opened, Sealable } from '../../../../lib/core/codec.js';
import type { KeyId } from '../../../../lib/core/keys/key.js';
import { storedLabels } from '../../../../lib/core/keys/label.js';
import { resolveLimits, type LimitOptions } from '../../../../lib/core/limits.js';
import type { CacheEvent } from '../../../../lib/core/observer.js';
import { idOf, keyFactoryOf, type Said } from '../../core/support/key-factories.js';
import { TYPES } from '../../core/support/values.js';

/** A codec, and every event it emitted. */
export interface Rig {
  readonly codec: Codec;
  readonly events: CacheEvent[];
  seal(value: unknown, id?: KeyId): Promise<Buffer>;
  open(bytes: Buffer, id?: KeyId): Promise<Opened | undefined>;
  /** What comes back of a value. */
  through(value: unknown): Promise<unknown>;
}

const keyFactory = keyFactoryOf();

export function idFor(said: Partial<Said> = {}): KeyId {
  return idOf(keyFactory, {
    tenant: 'acme',
    user: 'bob',
    width: 'tenant',
    namespace: 'Cats.find',
    parts: [42],
    ...said,
  });
}

export const ID: KeyId = idFor();

/** 32 bytes that look random and are the same in every run. */
export function secret(seed: number): Buffer {
  return Buffer.from(Array.from({ length: 32 }, (_, at) => (seed * 151 + at * 37) % 251));
}

export const ENCRYPTED: CodecOptions = { encryption: { keys: [{ id: 'k1', secret: secret(1) }] } };
export const SIGNED: CodecOptions = { encryption: { keys: [{ id: 'k1', secret: secret(1) }], mode: 'sign' } };
export const MODES = [
  ['encrypt', ENCRYPTED],
  ['sign', SIGNED],
] as const;
/** The same entry of two tenants. */
export const acme = idFor({ tenant: 'acme' });
export const zeta = idFor({ tenant: 'zeta' });

export function keyOf(seed: number): EncryptionKey {
  return { id: `k${seed}`, secret: secret(seed) };
}

export function ring(mode: 'encrypt' | 'sign', ...keys: EncryptionKey[]): CodecOptions {
  return { encryption: { keys, mode } };
}

export function rig(
  options: CodecOptions = {},
  { prefix = 'test', limits }: { prefix?: string; limits?: LimitOptions } = {},
): Rig {
  const events: CacheEvent[] = [];
  const emit = { isHeard: true, event: (event: CacheEvent) => void events.push(event) };
  const resolved = resolveCodecOptions({ types: TYPES, ...options });
  const codec = createCodec(resolved, { limits: resolveLimits(limits), emit, prefix });
  const seal = async (value: unknown, id = ID): Promise<Buffer> => codec.seal(entryOf(value), id);
  const open = async (bytes: Buffer, id = ID): Promise<Opened | undefined> => codec.open(bytes, id);
  return {
    codec,
    events,
    seal,
    open,
    async through(value) {
      const opened = await open(await seal(value));
      if (opened === undefined) throw new Error(`did not open: ${JSON.stringify(events)}`);
      return opened.value;
    },
  };
}

export function entryOf(value: unknown, more: Partial<Sealable> = {}): Sealable {
  return {
    value,
    generation: '0f1e2d3c4b5a6978',
    stamp: 1_700_000_000_123_456,
    labels: storedLabels(['n:Cats.find', 't:cats', 't:caf%C3%A9']),
    freshUntilServerMs: 1_800_000_000_000,
    graceMs: 30_000,
    ...more,
  };
}

/** An envelope that can be written without a key: everything in it is as it says, and its checksum is right. */
export function forge(body: string | Uint8Array, wrapping: Partial<Wrapping> = {}, id = ID): Buffer {
  const bytes = Buffer.from(body as string);
  const whole = {
    seal: SEAL.none,
    format: 0,
    compression: 0,
    isAscii: false,
    originalBytes: bytes.length,
    keyId: '',
    serializer: '',
  };
  const frame = frameOf(
    entryOf(undefined),
    { ...whole, ...wrapping },
    identityOf(id),
    bytes.length,
    (target, at) => void target.fill(7, at, at + 12),
  );
  bytes.copy(frame.bytes, frame.bodyStart);
  return closeFrame(frame);
}

/** The checksum put right after something was changed: what damage cannot do, and a forger can. */
export function mended(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(crc32(copy.subarray(0, -4)), copy.length - 4);
  return copy;
}

/** A copy with other bytes at one place. */
export function changed(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = change(copy[at]!);
  return copy;
}

/** A copy with one text in the place of another of the same length. */
export function replaced(bytes: Buffer, from: string, to: string): Buffer {
  const at = bytes.indexOf(from, 0, 'latin1');
  if (at < 0 || from.length !== to.length) throw new Error('not there, or of another length');
  const copy = Buffer.from(bytes);
  copy.write(to, at, 'latin1');
  return copy;
}

export const HEADER_LENGTH_AT = 16;
