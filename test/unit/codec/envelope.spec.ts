import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_HEADER_BYTES } from '../../../lib/core/codec.js';
import { changed, ENCRYPTED, forge, HEADER_LENGTH_AT, ID, idFor, mended, rig } from './support/codecs.js';
import { KINDS } from './support/kinds.js';
import { runs } from '../../support/soak.js';

describe('B15: a damaged envelope is a miss, is reported, and never throws', () => {
  it.each(KINDS)('%s, each byte changed in four ways', async (_, options, value) => {
    const { seal, open, events } = rig(options);
    const sealed = await seal(value);
    expect((await open(sealed))?.value).toEqual(value);
    const unnoticed: number[] = [];
    for (let at = 0; at < sealed.length; at++) {
      for (const change of [
        (byte: number) => byte ^ 1,
        (byte: number) => byte ^ 0x80,
        (byte: number) => ~byte,
        () => 10,
      ]) {
        const damaged = changed(sealed, at, change);
        if (damaged.equals(sealed)) continue;
        events.length = 0;
        const opened = await open(damaged);
        const [event, ...more] = events;
        const isTold = event?.type === 'damaged' && event.namespace === 'Cats.find' && event.width === 'tenant';
        if (opened !== undefined || !isTold || more.length > 0) unnoticed.push(at);
      }
    }
    expect(unnoticed).toEqual([]);
  });

  it.each(KINDS)('%s, cut short or grown', async (_, options, value) => {
    const { seal, open, events } = rig(options);
    const sealed = await seal(value);
    const opened: number[] = [];
    for (let length = 0; length < sealed.length; length++)
      if ((await open(sealed.subarray(0, length))) !== undefined) opened.push(length);
    expect(opened).toEqual([]);
    expect(await open(Buffer.concat([sealed, Buffer.alloc(1)]))).toBeUndefined();
    expect(await open(Buffer.concat([sealed, sealed]))).toBeUndefined();
    expect(events).toHaveLength(sealed.length + 2);
    expect(events.every(({ type }) => type === 'damaged')).toBe(true);
  });

  it('an event says where and why, and nothing of what was stored or under which key', async () => {
    const id = idFor({ width: 'user', namespace: 'Cats.mine@2'.split('@')[0]!, parts: ['4111-1111'] });
    const { seal, open, events } = rig();
    const sealed = await seal('5500-0000', id);
    await open(
      changed(sealed, sealed.length - 8, (byte) => byte ^ 4),
      id,
    );
    expect(events).toEqual([
      {
        type: 'damaged',
        reason: 'checksum',
        namespace: 'Cats.mine',
        width: 'user',
        keyDigest: expect.stringMatching(/^[0-9a-f]{8}$/),
      },
    ]);
    expect(JSON.stringify(events)).not.toMatch(/4111|5500/);
  });
});

describe('B16: bytes that were never an envelope', () => {
  it('empty, short, another library’s, all zero: malformed', async () => {
    const { open, events } = rig();
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(1),
      Buffer.alloc(100),
      Buffer.from('{"value":1}'),
      Buffer.from('NC|abc|1|0|0||7'),
      Buffer.alloc(5_000, 0xff),
    ])
      expect(await open(bytes)).toBeUndefined();
    expect(events.map((event) => 'reason' in event && event.reason)).toEqual(
      Array.from({ length: 6 }, () => 'malformed'),
    );
  });

  it('noise, also with the right beginning and the right checksum', () => {
    const { codec, events } = rig(ENCRYPTED);
    const { codec: plain } = rig();
    const start = forge('{}').subarray(0, 3);
    const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(noise, (bytes) =>
        [bytes, mended(Buffer.concat([start, bytes, Buffer.alloc(4)]))].every(
          (candidate) =>
            codec.open(candidate, ID) === undefined &&
            plain.open(candidate, ID) === undefined &&
            codec.peek(candidate, ID) === undefined,
        ),
      ),
      runs(10_000),
    );
    expect(events.every(({ type }) => type === 'damaged' || type === 'identity-mismatch')).toBe(true);
  });

  it('good envelopes with anything at all in a few places, the checksum right: a miss or a value, never a throw', async () => {
    const { codec } = rig();
    const values = [
      { a: [1, 'b'] },
      { a: new Date(0), b: new Map([[1, -0]]) },
      new Float32Array(3),
      'cat '.repeat(400),
    ];
    const samples = await Promise.all(values.map((value) => rig().seal(value)));
    const tried = runs(20_000);
    const later: unknown[] = [];
    const place = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.array(place, { minLength: 1, maxLength: 8 }), (sample, places) => {
        const bytes = Buffer.from(sample);
        for (const [at, byte] of places) bytes[at % bytes.length] = byte;
        const forged = mended(bytes);
        codec.peek(forged, ID);
        // A large original size leads to the thread pool; its answer must not be a rejection either.
        later.push(codec.open(forged, ID));
      }),
      tried,
    );
    expect(await Promise.all(later)).toHaveLength(tried.numRuns);
  });

  it.each<readonly [string, (bytes: Buffer) => void]>([
    ['a header longer than all of it', (bytes) => bytes.writeUInt16LE(bytes.length + 1, HEADER_LENGTH_AT)],
    ['a header longer than allowed', (bytes) => bytes.writeUInt16LE(MAX_HEADER_BYTES + 1, HEADER_LENGTH_AT)],
    ['a header shorter than its numbers', (bytes) => bytes.writeUInt16LE(20, HEADER_LENGTH_AT)],
    ['a header of nothing', (bytes) => bytes.writeUInt16LE(0, HEADER_LENGTH_AT)],
    ['a body of another length', (bytes) => bytes.writeUInt32LE(3, 20)],
    ['a seal of no known kind', (bytes) => bytes.writeUInt8(3, 3)],
    ['flags of no known meaning', (bytes) => bytes.writeUInt8(64, 3)],
    ['version 0', (bytes) => bytes.writeUInt8(0, 2)],
    ['a stamp that is no number', (bytes) => bytes.writeDoubleLE(NaN, 24)],
    ['a stamp that is no whole number', (bytes) => bytes.writeDoubleLE(1.5, 24)],
    ['an end that is no number', (bytes) => bytes.writeDoubleLE(NaN, 32)],
    ['a grace that is no number', (bytes) => bytes.writeDoubleLE(NaN, 40)],
    ['a grace below nothing', (bytes) => bytes.writeDoubleLE(-1, 40)],
  ])('%s: malformed, although the checksum is right', async (_, spoil) => {
    const { open, events } = rig();
    const bytes = forge('{"a":1}');
    expect((await open(bytes))?.value).toEqual({ a: 1 });
    const spoiled = Buffer.from(bytes);
    spoil(spoiled);
    expect(await open(mended(spoiled))).toBeUndefined();
    expect(events).toMatchObject([{ type: 'damaged', reason: 'malformed' }]);
  });

  it('a header longer than allowed, in an envelope that is long enough for it', async () => {
    const { open, codec, events } = rig();
    const bytes = forge('1'.repeat(2 * MAX_HEADER_BYTES));
    bytes.writeUInt16LE(MAX_HEADER_BYTES + 1, HEADER_LENGTH_AT);
    bytes.writeUInt32LE(bytes.length - 4 - (MAX_HEADER_BYTES + 1), 20);
    expect(await open(mended(bytes))).toBeUndefined();
    expect(codec.peek(bytes, ID)).toBeUndefined();
    expect(events).toMatchObject([{ type: 'damaged', reason: 'malformed' }]);
  });

  it('a format of no known number, and one that is too large to be looked at', async () => {
    const { open, events } = rig({}, { limits: { maxValueBytes: 1_000 } });
    await open(forge('1', { format: 9 }));
    await open(forge('1', { originalBytes: 16_777_217, compression: 1 }));
    await open(Buffer.alloc(16_900_000));
    expect(events.map((event) => 'reason' in event && event.reason)).toEqual(['unreadable', 'too-large', 'too-large']);
  });
});

describe('B17: another version', () => {
  it.each([2, 3, 255])('version %i is a miss without a report, whatever follows', async (version) => {
    const { seal, open, codec, events } = rig();
    const newer = mended(changed(await seal({ a: 1 }), 2, () => version));
    expect(await open(newer)).toBeUndefined();
    expect(await open(mended(Buffer.concat([newer.subarray(0, 16), Buffer.alloc(50, 0xee)])))).toBeUndefined();
    expect(codec.peek(newer, ID)).toBeUndefined();
    expect(events).toEqual([]);
  });

  it('unless its checksum is wrong: then it is damage', async () => {
    const { seal, open, events } = rig();
    await open(changed(await seal({ a: 1 }), 2, () => 2));
    expect(events).toMatchObject([{ type: 'damaged', reason: 'checksum' }]);
  });
});
