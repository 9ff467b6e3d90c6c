/** The options for how values are written, and the function that resolves all of them. */
import type { RegisteredType } from '../core/values/type-registration.js';
import { CacheConfigError } from '../core/errors.js';
import { wholeNumber } from '../core/limits.js';
import { knownOptions } from '../core/own-options.js';
import { isAsync } from '../core/async/thenable.js';
import { checkAlgorithm, type CompressionAlgorithm, type ResolvedCompression } from './compressor.js';
import { resolveKeyRing, type EncryptionOptions, type KeyRing } from './key-ring.js';
import { checkName } from './option-checks.js';
import type { Serializer } from './serializer.js';

/** How large values are made smaller. */
export interface CompressionOptions {
  /** Values smaller than this, in bytes once serialized, 0 and more, are stored as they are. @default 8192 */
  readonly threshold?: number | undefined;
  /**
   * How hard to try: 0–9 for deflate and gzip, 0–11 for brotli, 1–22 for zstd. Level 1 of deflate takes a third of the
   * time of level 6 and a tenth more room.
   * @default 1 for deflate and gzip, 6 for brotli, 3 for zstd
   */
  readonly level?: number | undefined;
  /**
   * What new entries are compressed with; any of them can be read. `zstd` needs Node 22.15 or 23.8, here and in every other
   * process of the cache: one that has no zstd counts such an entry as a miss and stores its own, which all can read.
   * @default 'deflate'
   */
  readonly algorithm?: CompressionAlgorithm | undefined;
}

/** How values are written where they leave the process. Memory keeps objects and only cares about `types`. */
export interface CodecOptions {
  /**
   * Classes whose instances may be stored and be part of keys: own enumerable properties, put back on the prototype
   * without running the constructor. Stored by name, so no two may have the same one. One that keeps state elsewhere
   * (private fields, a WeakMap) is refused by name; for it, and for classes whose name changes, write what stands for
   * an instance: `{ type, name, toKey, toJSON, fromJSON }`, see {@link TypeRegistration}.
   * @default []
   * @example
   * class Cat {
   *   constructor(readonly name: string) {}
   * }
   * CacheModule.forRoot({ codec: { types: [Cat] } });
   * @throws CacheConfigError when the module starts, for a class that cannot be registered
   */
  readonly types?: readonly RegisteredType[] | undefined;
  /** A format of your own. @default JSON, with tags for what JSON cannot hold (Date, Map, bigint, …) */
  readonly serializer?: Serializer | undefined;
  /**
   * How large values are made smaller; false: never. Kept only where it helps.
   * @default { threshold: 8192, level: 1, algorithm: 'deflate' }, and false when encrypting: the length of a compressed
   * value tells something about its contents.
   */
  readonly compression?: CompressionOptions | false | undefined;
  /**
   * Seals what is stored, so that a party with access to the server cannot read or forge values. @default none
   * @example CacheModule.forRoot({ codec: { encryption: { keys: [{ id: '2026-11', secret: process.env['CACHE_KEY'] ??
   * '' }] } } });
   */
  readonly encryption?: EncryptionOptions | undefined;
}

export interface ResolvedCodecOptions {
  readonly types: readonly RegisteredType[];
  readonly serializer: Serializer | undefined;
  readonly compression: ResolvedCompression | undefined;
  readonly keyRing: KeyRing | undefined;
}

const CODEC_OPTIONS = Object.freeze(['types', 'serializer', 'compression', 'encryption'] as const);
const COMPRESSION_OPTIONS = Object.freeze(['threshold', 'level', 'algorithm'] as const);

/** Applies defaults and validates. @throws CacheConfigError naming the option, and never a secret */
export function resolveCodecOptions(options?: CodecOptions): ResolvedCodecOptions {
  const { types, serializer, compression, encryption } = knownOptions(options, 'codec', CODEC_OPTIONS);
  if (types !== undefined && !Array.isArray(types))
    throw new CacheConfigError('codec.types', 'must be a list of classes');
  const keyRing = encryption === undefined ? undefined : resolveKeyRing(encryption);
  return Object.freeze({
    types: Object.freeze([...(types ?? [])]),
    serializer: serializerOf(serializer),
    compression: compressionOf(compression ?? (keyRing?.mode === 'encrypt' ? false : {})),
    keyRing,
  });
}

function serializerOf(serializer: Serializer | undefined): Serializer | undefined {
  if (serializer === undefined) return undefined;
  const isWhole = typeof serializer?.serialize === 'function' && typeof serializer.deserialize === 'function';
  if (!isWhole) throw new CacheConfigError('codec.serializer', 'needs the functions serialize and deserialize');
  for (const name of ['serialize', 'deserialize'] as const)
    if (isAsync(serializer[name]))
      throw new CacheConfigError(`codec.serializer.${name}`, 'must not be async: it has to answer at once');
  checkName(serializer.name, 'codec.serializer.name');
  return serializer;
}

function compressionOf(compression: CompressionOptions | false): ResolvedCompression | undefined {
  if (compression === false) return undefined;
  const { threshold, level, algorithm } = knownOptions(compression, 'codec.compression', COMPRESSION_OPTIONS);
  const saidLevel = level === undefined ? undefined : wholeNumber(level, 'codec.compression.level', 0, 0, 22);
  return Object.freeze({
    threshold: wholeNumber(threshold, 'codec.compression.threshold', 8_192, 0, Number.MAX_SAFE_INTEGER),
    ...checkAlgorithm(algorithm ?? 'deflate', saidLevel),
  });
}
