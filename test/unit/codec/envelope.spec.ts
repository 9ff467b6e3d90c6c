import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { CodecOptions } from '../../../lib/codec/codec.options.js';
import { ENVELOPE_MARK_BYTES, MAX_HEADER_BYTES } from '../../../lib/core/codec.js';
import { TagInvalidError } from '../../../lib/core/errors.js';
import { storedLabels } from '../../../lib/core/label.js';
import {
  changed,
  ENCRYPTED,
  entryOf,
  forge,
  HEADER_LENGTH_AT,
  ID,
  idFor,
  mended,
  replaced,
  rig,
  SIGNED,
} from './support/codecs.js';

/** Each way an envelope can look, with a value that takes it. */
const KINDS: readonly (readonly [string, CodecOptions, unknown])[] = [
  ['plain JSON', {}, { name: 'Felix', lives: 9 }],
  ['text beyond ASCII', {}, { name: 'Minka 漢字' }],
  ['tagged', {}, { born: new Date(0), lives: 9n }],
  ['bytes', {}, new Uint16Array([1, 2, 3])],
  ['deflate', {}, 'cat '.repeat(300)],
  ['gzip', { compression: { algorithm: 'gzip' } }, 'cat '.repeat(300)],
  ['brotli', { compression: { algorithm: 'brotli' } }, 'cat '.repeat(300)],
  ['signed', SIGNED, { name: 'Felix', lives: 9 }],
  ['signed and deflated', SIGNED, 'cat '.repeat(300)],
  ['encrypted', ENCRYPTED, { name: 'Felix', lives: 9 }],
  ['encrypted and deflated', { ...ENCRYPTED, compression: {} }, 'cat '.repeat(300)],
];

describe('B15: a damaged envelope is a miss, is told, and never throws', () => {
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
      { numRuns: 10_000 },
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
      { numRuns: 20_000 },
    );
    expect(await Promise.all(later)).toHaveLength(20_000);
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
    const bytes = forge('1'.repeat(9_000));
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
  it.each([2, 3, 255])('version %i is a miss that nobody is told about, whatever follows', async (version) => {
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

describe('G0: whose value it is', () => {
  const others = [
    idFor({ tenant: 'acme2' }),
    idFor({ tenant: 'Acme' }),
    idFor({ width: 'user' }),
    idFor({ width: 'global' }),
    idFor({ namespace: 'Cats.findAll' }),
    idFor({ namespace: 'Cats.fin' }),
    idFor({ version: '2' }),
    idFor({ parts: ['42'] }),
    idFor({ parts: [4] }),
    idFor({ parts: [421] }),
    idFor({ parts: ['x'.repeat(400)] }),
  ];

  it.each(KINDS)('%s: opened under another id it is a miss and an identity mismatch', async (_, options, value) => {
    const { seal, open, codec, events } = rig(options);
    const sealed = await seal(value);
    for (const other of others) {
      expect(await open(sealed, other)).toBeUndefined();
      expect(codec.peek(sealed, other)).toBeUndefined();
    }
    expect(events.map(({ type }) => type)).toEqual(others.map(() => 'identity-mismatch'));
  });

  it('ids too long to stand in the envelope are told apart by all of their characters', async () => {
    const long = Array.from({ length: 3 }, (_, at) => idFor({ tenant: `${'t'.repeat(200)}${at}` }));
    const { seal, open, events } = rig();
    const sealed = await seal({ a: 1 }, long[0]);
    expect(sealed.length).toBeLessThan(250);
    expect((await open(sealed, long[0]))?.value).toEqual({ a: 1 });
    expect(await open(sealed, long[1])).toBeUndefined();
    expect(await open(sealed, long[2])).toBeUndefined();
    expect(events.map(({ type }) => type)).toEqual(['identity-mismatch', 'identity-mismatch']);
  });

  it('C20: a tag of one name in two tenants stays with each', async () => {
    const [acme, zeta] = [idFor({ tenant: 'acme' }), idFor({ tenant: 'zeta' })];
    const { codec, open } = rig();
    const labels = storedLabels(['n:Cats.find', 't:shared']);
    const sealed = await Promise.all([acme, zeta].map(async (id) => codec.seal(entryOf(id, { labels }), id)));
    expect(await open(sealed[0]!, acme)).toMatchObject({ value: acme, labels });
    expect(await open(sealed[1]!, zeta)).toMatchObject({ value: zeta, labels });
    expect(await open(sealed[0]!, zeta)).toBeUndefined();
    expect(await open(sealed[1]!, acme)).toBeUndefined();
  });
});

describe('the header', () => {
  it.each(KINDS)('%s: everything but the value comes back as it was', async (_, options, value) => {
    const { codec } = rig(options);
    for (const more of [
      {},
      { freshUntilServerMs: Infinity, graceMs: 0 },
      { graceMs: Infinity },
      { labels: [] },
      { stamp: 0, freshUntilServerMs: 0.5 },
      { stamp: Number.MAX_SAFE_INTEGER },
    ]) {
      const entry = entryOf(value, more);
      const sealed = await codec.seal(entry, ID);
      expect(await codec.open(sealed, ID)).toEqual({ ...entry, sizeBytes: sealed.length });
      const { value: left, ...header } = entry;
      expect(left).toBe(value);
      expect(codec.peek(sealed, ID)).toEqual(header);
      expect(codec.peek(sealed.subarray(0, MAX_HEADER_BYTES), ID)).toEqual(header);
    }
  });

  it('the first sixteen bytes are never the same twice', async () => {
    const { codec } = rig();
    const marks = new Set<string>();
    for (let time = 0; time < 20_000; time++) {
      marks.add((codec.seal(entryOf(1), ID) as Buffer).toString('latin1', 0, ENVELOPE_MARK_BYTES));
    }
    expect(marks.size).toBe(20_000);
  });

  it('a header fits into what peek is given, or the labels are refused', async () => {
    const { codec } = rig();
    const labels = storedLabels(Array.from({ length: 30 }, (_, at) => `t:${'x'.repeat(120)}${at}`));
    const sealed = await codec.seal(entryOf('v'.repeat(9_000), { labels }), ID);
    expect(codec.peek(sealed.subarray(0, MAX_HEADER_BYTES), ID)?.labels).toEqual(labels);
    expect(() => codec.seal(entryOf(1, { labels: [...labels, ...labels] }), ID)).toThrow(TagInvalidError);
  });

  it('a header that is not all there shows nothing: half of its labels would make an entry seem valid', async () => {
    const { seal, codec } = rig();
    const sealed = await seal('v');
    const headerLength = sealed.readUInt16LE(HEADER_LENGTH_AT);
    expect(codec.peek(sealed.subarray(0, headerLength), ID)).toBeDefined();
    for (let length = 0; length < headerLength; length++)
      expect(codec.peek(sealed.subarray(0, length), ID)).toBeUndefined();
  });

  it('an incarnation that would shift the words after it is refused', () => {
    const { codec } = rig();
    expect(() => codec.seal(entryOf(1, { incarnation: 'a\nb' }), ID)).toThrow(TypeError);
    expect(() => codec.seal(entryOf(1, { incarnation: 'é' }), ID)).toThrow(TypeError);
  });

  it('opening leaves the bytes as they are', async () => {
    for (const [, options, value] of KINDS) {
      const { seal, open } = rig(options);
      const sealed = await seal(value);
      const before = Buffer.from(sealed);
      await open(sealed);
      expect(sealed.equals(before)).toBe(true);
    }
  });

  it('small values are sealed and opened at once', () => {
    for (const options of [{}, SIGNED, ENCRYPTED]) {
      const { codec } = rig(options);
      const sealed = codec.seal(entryOf({ rows: 'cat '.repeat(1_000) }), ID);
      expect(Buffer.isBuffer(sealed)).toBe(true);
      expect(codec.open(sealed as Buffer, ID)).toMatchObject({ value: { rows: 'cat '.repeat(1_000) } });
    }
  });

  it('without a seal, whoever can write to the server can change what is stored: this is what signing is for', async () => {
    const tampered = async (options: CodecOptions): Promise<unknown> => {
      const { seal, open } = rig(options);
      return (await open(mended(replaced(await seal({ role: 'user_' }), 'user_', 'admin'))))?.value;
    };
    expect(await tampered({})).toEqual({ role: 'admin' });
    expect(await tampered(SIGNED)).toBeUndefined();
  });
});
