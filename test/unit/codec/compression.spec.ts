import { describe, expect, it } from '@jest/globals';
import { brotliCompressSync, constants, deflateRawSync, gzipSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import * as zlib from 'node:zlib';
import { resolveCodecOptions, type CompressionOptions } from '../../../lib/codec/codec.options.js';
import { isPending } from '../../../lib/core/async/awaitable.js';
import { CacheConfigError } from '../../../lib/core/errors.js';
import { ENCRYPTED, entryOf, forge, ID, rig, SIGNED } from './support/codecs.js';
import { identical } from './support/identical.js';

const HAS_ZSTD = 'zstdCompressSync' in zlib;
const COMPRESSION_AT = 19;
const text = 'The quick brown cat jumps over the lazy dog. '.repeat(200);
const noise = Buffer.concat(Array.from({ length: 100 }, (_, at) => createHash('sha256').update(`${at}`).digest()));

/** The largest value there may be by default, small once compressed, and large enough for the thread pool. */
const large = { rows: Array.from({ length: 9_000 }, (_, at) => ({ at, name: `Cat number ${at}` })) };
const LARGE = { limits: { maxValueBytes: 8_388_608 } };

const algorithms: CompressionOptions['algorithm'][] = [
  'deflate',
  'gzip',
  'brotli',
  ...(HAS_ZSTD ? (['zstd'] as const) : []),
];

describe.each(algorithms)('%s', (algorithm) => {
  it('makes values smaller, and gives them back, at once or by way of the thread pool', async () => {
    const { codec, open } = rig({ compression: { algorithm } }, LARGE);
    for (const [value, isLarge] of [
      [text, false],
      [{ text, born: new Date(0) }, false],
      [large, true],
    ] as const) {
      const pending = codec.seal(entryOf(value), ID);
      expect(isPending(pending)).toBe(isLarge);
      const sealed = await pending;
      expect(sealed[COMPRESSION_AT]).not.toBe(0);
      expect(sealed.length).toBeLessThan(JSON.stringify(value).length / 3);
      expect(isPending(codec.open(sealed, ID))).toBe(isLarge);
      expect(identical((await open(sealed))?.value, value)).toBe(true);
    }
  });

  it('is kept only where it helps', async () => {
    const { codec } = rig({ compression: { algorithm, threshold: 0 } });
    expect((await codec.seal(entryOf(noise), ID))[COMPRESSION_AT]).toBe(0);
    expect((await codec.seal(entryOf(1), ID))[COMPRESSION_AT]).toBe(0);
  });

  it('can be read whatever is configured for writing', async () => {
    const sealed = await rig({ compression: { algorithm } }).seal(text);
    for (const compression of [false, { algorithm: 'deflate' }, { algorithm: 'brotli' }] as const)
      expect((await rig({ compression }).open(sealed))?.value).toBe(text);
  });

  it('a level out of its range is refused', () => {
    const [low, high] = { deflate: [-1, 10], gzip: [-1, 10], brotli: [-1, 12], zstd: [0, 23] }[algorithm!];
    for (const level of [low, high, 1.5, NaN, '6' as unknown as number])
      expect(() => rig({ compression: { algorithm, level } })).toThrow(/^codec\.compression\.level: must be /);
    for (const level of [low! + 1, high! - 1]) expect(() => rig({ compression: { algorithm, level } })).not.toThrow();
  });
});

describe('when it is done', () => {
  it('by default from 8192 bytes on', async () => {
    const { seal } = rig();
    // Two quotation marks belong to the body.
    expect((await seal('x'.repeat(8_189)))[COMPRESSION_AT]).toBe(0);
    expect((await seal('x'.repeat(8_190)))[COMPRESSION_AT]).toBe(1);
  });

  it('not with `false`, not below the threshold, and not when encrypting unless set', async () => {
    expect((await rig({ compression: false }).seal(text))[COMPRESSION_AT]).toBe(0);
    expect((await rig({ compression: { threshold: 100_000 } }).seal(text))[COMPRESSION_AT]).toBe(0);
    expect((await rig(ENCRYPTED).seal(text))[COMPRESSION_AT]).toBe(0);
    expect((await rig({ ...ENCRYPTED, compression: {} }).seal(text))[COMPRESSION_AT]).toBe(1);
    expect((await rig(SIGNED).seal(text))[COMPRESSION_AT]).toBe(1);
  });

  it('a value that is changed while it is being compressed is stored as it was', async () => {
    const { codec, open } = rig({}, LARGE);
    const value = structuredClone(large);
    const pending = codec.seal(entryOf(value), ID);
    expect(isPending(pending)).toBe(true);
    value.rows.length = 0;
    expect((await open(await pending))?.value).toEqual(large);
  });

  it.each<readonly [string, unknown, string]>([
    ['an unknown algorithm', { algorithm: 'lzma' }, 'codec.compression.algorithm'],
    ['a name that every object has', { algorithm: 'constructor' }, 'codec.compression.algorithm'],
    ['a threshold below nothing', { threshold: -1 }, 'codec.compression.threshold'],
    ['an option that does not exist', { treshold: 1 }, 'codec.compression.treshold'],
    ['true', true, 'codec.compression'],
  ])('%s is refused', (_, compression, option) => {
    const start = (): unknown => rig({ compression: compression as CompressionOptions });
    expect(start).toThrow(CacheConfigError);
    expect(start).toThrow(`${option}: `);
  });

  it('zstd is refused where Node has none, and there its entries are misses, with one warning', async () => {
    if (HAS_ZSTD) return expect(() => rig({ compression: { algorithm: 'zstd' } })).not.toThrow();
    expect(() => rig({ compression: { algorithm: 'zstd' } })).toThrow(
      "codec.compression.algorithm: zstd is not part of this Node; use 'deflate'",
    );
    const { open, events } = rig();
    for (let time = 0; time < 3; time++) expect(await open(forge('(frame)', { compression: 4 }))).toBeUndefined();
    expect(events).toEqual([{ type: 'warning', message: expect.stringContaining('this Node cannot undo') }]);
  });
});

describe('B23: bombs', () => {
  const zeros = Buffer.alloc(200 * 1_048_576);
  const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
  const bombs = {
    1: deflateRawSync(zeros, { level: 1 }),
    2: gzipSync(zeros, { level: 1 }),
    3: brotliCompressSync(zeros, quick),
  };

  it.each([1, 2, 3] as const)(
    'compression %i: two hundred megabytes stop at what the header says',
    async (compression) => {
      const { open, events } = rig();
      for (const originalBytes of [0, 1, 1_000, 300_000, 16_777_216]) {
        const bytes = forge(bombs[compression], { compression, originalBytes });
        const before = process.memoryUsage().arrayBuffers;
        expect(await open(bytes)).toBeUndefined();
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * 1_048_576);
      }
      expect(events.map((event) => 'reason' in event && event.reason)).toEqual(
        Array.from({ length: 5 }, () => 'unreadable'),
      );
    },
  );

  it('and what the header says is bounded', async () => {
    const { open, events } = rig();
    await open(forge(bombs[3], { compression: 3, originalBytes: 200 * 1_048_576 }));
    await open(forge(bombs[3], { compression: 3, originalBytes: 0xffffffff }));
    expect(events).toMatchObject([{ reason: 'too-large' }, { reason: 'too-large' }]);
  });

  it.each(algorithms)('A96: %s that was cut short, or is not as long as it says, is unreadable', async (algorithm) => {
    const { codec, open, events } = rig({ compression: { algorithm } });
    const sealed = await codec.seal(entryOf(text), ID);
    const compression = sealed[COMPRESSION_AT] as number;
    const originalBytes = JSON.stringify(text).length;
    const body = sealed.subarray(sealed.readUInt16LE(16), -4);
    expect((await open(forge(body, { compression, originalBytes })))?.value).toBe(text);
    const cuts = [1, 4, 9, body.length >> 1, body.length - 1, body.length];
    for (const cut of cuts)
      expect(await open(forge(body.subarray(0, body.length - cut), { compression, originalBytes }))).toBeUndefined();
    for (const more of [1, -1])
      expect(await open(forge(body, { compression, originalBytes: originalBytes + more }))).toBeUndefined();
    expect(events.map((event) => 'reason' in event && event.reason)).toEqual([...cuts, 1, -1].map(() => 'unreadable'));
  });

  it('each algorithm has a level of its own when none is said', () => {
    const levelOf = (algorithm: CompressionOptions['algorithm']) => {
      const { compression } = resolveCodecOptions({ compression: { algorithm } });
      return compression?.level;
    };
    expect(algorithms.map(levelOf)).toEqual([1, 1, 6, 3].slice(0, algorithms.length));
  });

  it('less than the header says, noise, and a stream that ends in its middle are unreadable', async () => {
    const { open, events } = rig();
    const good = deflateRawSync(JSON.stringify(text));
    const originalBytes = JSON.stringify(text).length;
    expect((await open(forge(good, { compression: 1, originalBytes })))?.value).toBe(text);
    await open(forge(good, { compression: 1, originalBytes: originalBytes + 1 }));
    await open(forge(good, { compression: 1, originalBytes: originalBytes - 1 }));
    await open(forge(good.subarray(0, 20), { compression: 1, originalBytes }));
    await open(forge(noise, { compression: 1, originalBytes }));
    await open(forge(noise, { compression: 3, originalBytes: 1_000_000 }));
    await open(forge('', { compression: 2, originalBytes: 0 }));
    expect(events.map((event) => 'reason' in event && event.reason)).toEqual(
      Array.from({ length: 6 }, () => 'unreadable'),
    );
  });
});
