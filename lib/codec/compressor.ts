/**
 * Makes large bodies smaller, and large again. Numbers on the wire: 0 nothing, 1 deflate (raw), 2 gzip, 3 brotli, 4 zstd.
 *
 * Small bodies are done synchronously, larger ones in Node's thread pool, where they cost this thread about 0.1 ms and
 * block no other call. Inflating is bounded by the size that was written down when the body was sealed (invariant 14): a bomb stops
 * there.
 */
import * as zlib from 'node:zlib';
import type { Awaitable } from '../core/async/awaitable.js';
import { CacheConfigError } from '../core/errors.js';

/** Bodies from here on are deflated in the thread pool. Below, handing over costs more than the work. */
const ASYNC_DEFLATE_BYTES = 32_768;
/** The same for inflating, which is five times as fast. Measured by the size before compression. */
const ASYNC_INFLATE_BYTES = 262_144;
const MAX_CHUNK_BYTES = 1_048_576;

export const UNCOMPRESSED = 0;

/** What a body can be compressed with. */
export type CompressionAlgorithm = 'deflate' | 'gzip' | 'brotli' | 'zstd';

export interface ResolvedCompression {
  /** Bytes of a body from which it is tried. */
  readonly threshold: number;
  readonly level: number;
  readonly algorithm: CompressionAlgorithm;
}

type Done = (error: Error | null, result: Buffer) => void;

interface Method {
  readonly number: number;
  readonly levels: readonly [min: number, max: number];
  /** Where what a higher level saves is not worth its time: bench/codec-speed.mjs. */
  readonly usualLevel: number;
  options(level: number, sizeBytes: number): object;
  deflateSync(body: Uint8Array, options: object): Buffer;
  deflate(body: Uint8Array, options: object, done: Done): void;
  inflateSync(body: Uint8Array, options: object): Buffer;
  inflate(body: Uint8Array, options: object, done: Done): void;
}

/** Node has zstd since 22.15 and 23.8; the types of Node 20 do not know it. */
interface Zstd {
  readonly zstdCompressSync?: Method['deflateSync'];
  readonly zstdCompress?: Method['deflate'];
  readonly zstdDecompressSync?: Method['inflateSync'];
  readonly zstdDecompress?: Method['inflate'];
  readonly constants: { readonly ZSTD_c_compressionLevel?: number };
}

const METHODS: Readonly<Record<CompressionAlgorithm, Method | undefined>> = Object.freeze({
  deflate: {
    number: 1,
    levels: [0, 9],
    usualLevel: 1,
    options: (level: number) => ({ level }),
    deflateSync: zlib.deflateRawSync,
    deflate: zlib.deflateRaw,
    inflateSync: zlib.inflateRawSync,
    inflate: zlib.inflateRaw,
  },
  gzip: {
    number: 2,
    levels: [0, 9],
    usualLevel: 1,
    options: (level: number) => ({ level }),
    deflateSync: zlib.gzipSync,
    deflate: zlib.gzip,
    inflateSync: zlib.gunzipSync,
    inflate: zlib.gunzip,
  },
  brotli: {
    number: 3,
    levels: [0, 11],
    usualLevel: 6,
    options: (level: number, sizeBytes: number) => ({
      params: {
        [zlib.constants.BROTLI_PARAM_QUALITY]: level,
        [zlib.constants.BROTLI_PARAM_SIZE_HINT]: sizeBytes,
      },
    }),
    deflateSync: zlib.brotliCompressSync,
    deflate: zlib.brotliCompress,
    inflateSync: zlib.brotliDecompressSync,
    inflate: zlib.brotliDecompress,
  },
  zstd: zstdMethod(zlib as unknown as Zstd),
});

const BY_NUMBER: ReadonlyMap<number, Method> = new Map(
  Object.values(METHODS).flatMap((method) => (method === undefined ? [] : [[method.number, method]])),
);

/**
 * @param said undefined: the usual one
 * @throws CacheConfigError when this Node has no such algorithm, or the algorithm no such level
 */
export function checkAlgorithm(
  algorithm: unknown,
  said: number | undefined,
): Pick<ResolvedCompression, 'algorithm' | 'level'> {
  const isKnown = typeof algorithm === 'string' && Object.hasOwn(METHODS, algorithm);
  if (!isKnown) {
    const known = Object.keys(METHODS).join("', '");
    throw new CacheConfigError('codec.compression.algorithm', `must be one of '${known}'`);
  }
  const method = METHODS[algorithm as CompressionAlgorithm];
  if (method === undefined)
    throw new CacheConfigError('codec.compression.algorithm', `${algorithm} is not part of this Node; use 'deflate'`);
  const { levels, usualLevel } = method;
  const [min, max] = levels;
  const level = said ?? usualLevel;
  if (level < min || level > max)
    throw new CacheConfigError('codec.compression.level', `must be from ${min} to ${max} for ${algorithm}`);
  return { algorithm: algorithm as CompressionAlgorithm, level };
}

export class Compressor {
  private readonly method: Method;

  constructor(private readonly options: ResolvedCompression) {
    this.method = METHODS[options.algorithm] as Method;
  }

  /** What {@link inflate} needs to know to undo it. */
  get number(): number {
    return this.method.number;
  }

  isWorthwhile(byteLength: number): boolean {
    return byteLength >= this.options.threshold;
  }

  deflate(body: Buffer): Awaitable<Buffer> {
    const options = this.method.options(this.options.level, body.length);
    if (body.length < ASYNC_DEFLATE_BYTES) return this.method.deflateSync(body, options);
    return inPool((done) => this.method.deflate(body, options, done));
  }
}

/** False: written by a Node that can do what this one cannot. */
export function canInflate(number: number): boolean {
  return BY_NUMBER.has(number);
}

/**
 * The body as it was, of exactly so many bytes.
 * @throws when it is anything else (or rejects)
 */
export function inflate(number: number, body: Buffer, originalBytes: number): Awaitable<Buffer> {
  const method = BY_NUMBER.get(number);
  if (method === undefined) throw new TypeError('no such compression');
  // The chunk is what Node allocates at a time. One byte to spare, or it takes a second one to see that this was the end.
  const chunkSize = Math.min(Math.max(originalBytes + 1, 64), MAX_CHUNK_BYTES);
  const options = { maxOutputLength: Math.max(originalBytes, 1), chunkSize };
  if (originalBytes < ASYNC_INFLATE_BYTES) return ofLength(method.inflateSync(body, options), originalBytes);
  return inPool((done) => method.inflate(body, options, done)).then((inflated) => ofLength(inflated, originalBytes));
}

function ofLength(body: Buffer, originalBytes: number): Buffer {
  if (body.length === originalBytes) return body;
  throw new RangeError('not of the size it had');
}

function inPool(run: (done: Done) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    run((error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

function zstdMethod({ zstdCompressSync, zstdCompress, zstdDecompressSync, zstdDecompress, constants }: Zstd) {
  const levelKey = constants.ZSTD_c_compressionLevel;
  if (!zstdCompressSync || !zstdCompress || !zstdDecompressSync || !zstdDecompress || levelKey === undefined)
    return undefined;
  const method: Method = {
    number: 4,
    levels: [1, 22],
    usualLevel: 3,
    options: (level) => ({ params: { [levelKey]: level } }),
    deflateSync: zstdCompressSync,
    deflate: zstdCompress,
    inflateSync: zstdDecompressSync,
    inflate: zstdDecompress,
  };
  return method;
}
