import { describe, expect, it } from '@jest/globals';
import type { CodecOptions } from '../../../lib/codec/codec.options.js';
import { ENVELOPE_MARK_BYTES, MAX_HEADER_BYTES } from '../../../lib/core/codec.js';
import { TagInvalidError } from '../../../lib/core/errors.js';
import { storedLabels } from '../../../lib/core/keys/label.js';
import { scopeOf } from '../../../lib/core/keys/scope.js';
import { keyFactoryOf } from '../core/support/key-factories.js';
import { ENCRYPTED, entryOf, HEADER_LENGTH_AT, ID, idFor, mended, replaced, rig, SIGNED } from './support/codecs.js';
import { KINDS } from './support/kinds.js';

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
    const labels = storedLabels(Array.from({ length: 120 }, (_, at) => `t:${'x'.repeat(120)}${at}`));
    const sealed = await codec.seal(entryOf('v'.repeat(30_000), { labels }), ID);
    expect(codec.peek(sealed.subarray(0, MAX_HEADER_BYTES), ID)?.labels).toEqual(labels);
    expect(() => codec.seal(entryOf(1, { labels: [...labels, ...labels] }), ID)).toThrow(TagInvalidError);
  });

  it.each([
    ['readable', {}],
    ['hashed', { hashSecret: 'a secret of more than sixteen bytes' }],
  ])('holds as many labels as an entry may carry, each as long as a name may be (%s names)', async (_, naming) => {
    const { codec } = rig(ENCRYPTED);
    // Escaping makes nine characters of each of these.
    const longest = (bytes: number, end: number | string): string => `${'€'.repeat((bytes - 3) / 3)}${end}`;
    const keyFactory = keyFactoryOf(naming);
    const scope = scopeOf({ tenant: longest(255, 't'), user: longest(255, 'u') });
    const space = keyFactory.space(scope, 'user', longest(381, 'n').slice(0, 128));
    const inherited = Array.from({ length: 32 }, (__, at) => longest(253, 200 + at));
    const tags = Array.from({ length: 32 }, (__, at) => longest(253, 100 + at));
    const { id, labels } = keyFactory.key(space, ['x'.repeat(400)], tags);
    const all = [...labels, ...keyFactory.labelsOf(space, inherited).slice(space.labels.length)];
    expect(new Set(all).size).toBe(3 + 4 * 32);
    const sealed = await codec.seal(entryOf('v', { labels: all }), id);
    expect((await codec.open(sealed, id))?.labels).toEqual(all);
    expect(codec.peek(sealed.subarray(0, MAX_HEADER_BYTES), id)?.labels).toEqual(all);
  });

  it('a header that is not all there shows nothing: half of its labels would make an entry seem valid', async () => {
    const { seal, codec } = rig();
    const sealed = await seal('v');
    const headerLength = sealed.readUInt16LE(HEADER_LENGTH_AT);
    expect(codec.peek(sealed.subarray(0, headerLength), ID)).toBeDefined();
    for (let length = 0; length < headerLength; length++)
      expect(codec.peek(sealed.subarray(0, length), ID)).toBeUndefined();
  });

  it('a generation that would shift the words after it is refused', () => {
    const { codec } = rig();
    expect(() => codec.seal(entryOf(1, { generation: 'a\nb' }), ID)).toThrow(TypeError);
    expect(() => codec.seal(entryOf(1, { generation: 'é' }), ID)).toThrow(TypeError);
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

  it('without a seal, write access to the server is enough to change what is stored: this is what signing is for', async () => {
    const tampered = async (options: CodecOptions): Promise<unknown> => {
      const { seal, open } = rig(options);
      return (await open(mended(replaced(await seal({ role: 'user_' }), 'user_', 'admin'))))?.value;
    };
    expect(await tampered({})).toEqual({ role: 'admin' });
    expect(await tampered(SIGNED)).toBeUndefined();
  });
});
