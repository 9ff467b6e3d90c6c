import { describe, expect, it } from '@jest/globals';
import { deserialize, serialize } from 'node:v8';
import { resolveCodecOptions, type CodecOptions } from '../../../lib/codec/codec.options.js';
import type { Serializer } from '../../../lib/codec/serializer.js';
import { CacheConfigError, UnserializableError, ValueTooLargeError } from '../../../lib/core/errors.js';
import type { KeyId } from '../../../lib/core/keys/key.js';
import { Money } from '../core/support/values.js';
import { acme, changed, ENCRYPTED, rig, zeta } from './support/codecs.js';

const v8: Serializer = { name: 'v8', serialize, deserialize };
const reversed: Serializer = {
  name: 'reversed',
  serialize: (value) => mirrored(JSON.stringify(value)),
  deserialize: (bytes) => JSON.parse(mirrored(bytes.toString())) as unknown,
};

function mirrored(text: string): string {
  return Array.from(text).reverse().join('');
}

describe('a serializer of one’s own', () => {
  it.each([v8, reversed])('$name: bytes or text, small or large, encrypted or not', async (serializer) => {
    for (const options of [{}, { compression: { threshold: 0 } }, ENCRYPTED]) {
      const { through, events } = rig({ serializer, ...options });
      for (const value of [1, 'é漢😀', { a: [1, 2] }, { text: 'cat '.repeat(1_000) }])
        expect(await through(value)).toEqual(value);
      expect(events).toEqual([]);
    }
  });

  it('that answers with elements of more than one byte gets back all of their bytes', async () => {
    const wide = (value: unknown) => Uint16Array.from([value as number, 0x4142]) as unknown as Uint8Array;
    const serializer = { name: 'wide', serialize: wide, deserialize: (bytes: Buffer) => bytes.readUInt16LE(0) };
    for (const options of [{}, { compression: { threshold: 0 } }, ENCRYPTED])
      expect(await rig({ serializer, ...options }).through(0x4344)).toBe(0x4344);
  });

  it('that answers later is refused by name: declared async when the cache starts, else by each value, with one warning', async () => {
    const slow = { ...v8, name: 'slow' };
    for (const name of ['serialize', 'deserialize'] as const)
      expect(() => resolveCodecOptions({ serializer: { ...slow, [name]: async () => v8[name] } as never })).toThrow(
        expect.objectContaining({ option: `codec.serializer.${name}` }),
      );
    const fails = (): never => Promise.reject(new Error('later')) as never;
    const writes = rig({ serializer: { ...slow, serialize: fails } });
    await expect(writes.seal({ a: 1 }, acme)).rejects.toThrow(/promise by the serializer "slow"/);
    const reads = rig({ serializer: { ...slow, deserialize: fails } });
    for (let round = 0; round < 2; round++)
      expect(await reads.open(await reads.seal({ a: 1 }, acme), acme)).toBeUndefined();
    expect(reads.events).toMatchObject([
      { type: 'warning', message: expect.stringContaining('codec.serializer.deserialize') },
    ]);
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('that writes all of its values into one place keeps them apart, also while they are compressed', async () => {
    const place = Buffer.alloc(1_000_000);
    const serializer = {
      ...v8,
      name: 'one-place',
      serialize: (value: unknown) => place.subarray(0, serialize(value).copy(place)),
    };
    const { seal, open, events } = rig({ serializer });
    const rows = (owner: string): string[] => Array.from({ length: 20_000 }, (_, at) => `${owner} ${at}`);
    const [ours, theirs] = await Promise.all([seal(rows('acme'), acme), seal(rows('zeta'), zeta)]);
    const same = async (bytes: Buffer, id: KeyId, owner: string): Promise<boolean> =>
      String((await open(bytes, id))?.value) === String(rows(owner));
    expect([await same(ours, acme, 'acme'), await same(theirs, zeta, 'zeta')]).toEqual([true, true]);
    expect(events).toEqual([]);
  });

  it('decides what can be stored', async () => {
    expect(await rig({ serializer: v8 }).through(new Error('kept'))).toEqual(new Error('kept'));
    await expect(rig({ serializer: v8 }).seal(() => 1)).rejects.toThrow('value was refused by the serializer "v8"');
  });

  it('entries of another serializer are misses, with one warning; the formats of the library can always be read', async () => {
    const { open, events } = rig({ serializer: reversed });
    const foreign = await rig({ serializer: v8 }).seal({ a: 1 });
    expect([await open(foreign), await open(foreign)]).toEqual([undefined, undefined]);
    expect(events).toEqual([{ type: 'warning', message: expect.stringContaining('codec.serializer') }]);
    expect((await open(await rig().seal({ a: new Date(0) })))?.value).toEqual({ a: new Date(0) });
    expect(await rig().open(foreign)).toBeUndefined();
  });

  it('what it throws when writing is a refusal that quotes nothing', async () => {
    const serializer = {
      ...v8,
      serialize: () => {
        throw new Error('cannot write 4111');
      },
    };
    const error: unknown = await rig({ serializer })
      .seal('4111')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnserializableError);
    expect((error as Error).message).not.toContain('4111');
    expect((error as Error).cause).toBeUndefined();
  });

  it('what it throws when reading is a miss', async () => {
    const serializer = {
      ...v8,
      deserialize: () => {
        throw new Error('4111');
      },
    };
    const { seal, open, events } = rig({ serializer });
    expect(await open(await seal(1))).toBeUndefined();
    expect(events).toMatchObject([{ type: 'damaged', reason: 'unreadable' }]);
    expect(JSON.stringify(events)).not.toContain('4111');
  });

  it('what it cannot read is not ruined: the serializer of another release may be ready to, and it is left to it', async () => {
    const serializer = {
      ...v8,
      deserialize: () => {
        throw new Error('a shape of another release');
      },
    };
    const { seal, open, codec } = rig({ serializer });
    const whole = await seal({ a: 1 });
    expect(await open(whole)).toBeUndefined();
    expect(codec.isRuined?.(whole)).toBe(false);
    expect((await rig({ serializer: v8 }).open(whole))?.value).toEqual({ a: 1 });
    // Damage is damage, whatever wrote the value.
    const broken = changed(whole, whole.length - 8, (byte) => byte ^ 0x55);
    expect(await open(broken)).toBeUndefined();
    expect(codec.isRuined?.(broken)).toBe(true);
  });

  it.each([undefined, null, 42, {}, new DataView(new ArrayBuffer(1)), Promise.resolve('x')])(
    '%p is neither text nor bytes',
    async (content) => {
      const serializer = { ...v8, serialize: () => content as string };
      await expect(rig({ serializer }).seal(1)).rejects.toThrow(UnserializableError);
    },
  );

  it('more than the limit is refused', async () => {
    const serializer = { ...v8, serialize: () => Buffer.alloc(1_048_577) };
    await expect(rig({ serializer, compression: false }).seal(1)).rejects.toThrow(ValueTooLargeError);
  });

  it('bytes it keeps are its own', async () => {
    const kept: Buffer[] = [];
    const serializer: Serializer = {
      name: 'raw',
      serialize: (value) => value as Buffer,
      deserialize: (bytes) => (kept.push(bytes), bytes),
    };
    const { seal, open } = rig({ serializer });
    const sealed = await seal(Buffer.from('abc'));
    await open(sealed);
    kept[0]!.fill(0);
    expect((await open(sealed))?.value).toEqual(Buffer.from('abc'));
    expect(kept).toHaveLength(2);
  });
});

describe('classes', () => {
  it('an entry with a class that is not registered here is a miss, with one warning, and is no damage', async () => {
    const sealed = await rig().seal([new Money(1, 'EUR')]);
    const { open, events } = rig({ types: [] });
    for (let time = 0; time < 3; time++) expect(await open(sealed)).toBeUndefined();
    expect(events).toEqual([{ type: 'warning', message: expect.stringContaining('codec.types') }]);
  });

  it('two classes of one name are refused when the cache is built', () => {
    const other = { Money: class Money {} }.Money;
    expect(() => rig({ types: [Money, other] })).toThrow('codec.types: has two classes of the name Money');
  });
});

describe('options', () => {
  it.each<readonly [string, unknown, string]>([
    ['an unknown one', { compresion: {} }, 'codec.compresion: is not an option; there are: types, serializer'],
    ['a list', [], 'codec: '],
    ['types that are no list', { types: Money }, 'codec.types: '],
    ['a serializer without a name', { serializer: { serialize, deserialize } }, 'codec.serializer.name: '],
    ['a serializer whose name would not fit', { serializer: { ...v8, name: 'a\nb' } }, 'codec.serializer.name: '],
    ['a serializer that cannot read', { serializer: { name: 'x', serialize } }, 'codec.serializer: '],
    ['a serializer that is null', { serializer: null }, 'codec.serializer: '],
  ])('%s is refused', (_, options, message) => {
    expect(() => resolveCodecOptions(options as CodecOptions)).toThrow(CacheConfigError);
    expect(() => resolveCodecOptions(options as CodecOptions)).toThrow(message);
  });

  it('nothing is decided by what was polluted into Object.prototype', () => {
    Object.assign(Object.prototype, { compression: false, serializer: v8 });
    try {
      expect(resolveCodecOptions()).toMatchObject({ compression: { threshold: 8_192 } });
      expect(resolveCodecOptions().serializer).toBeUndefined();
    } finally {
      Reflect.deleteProperty(Object.prototype, 'compression');
      Reflect.deleteProperty(Object.prototype, 'serializer');
    }
  });

  it('what is left unsaid', () => {
    expect(resolveCodecOptions()).toEqual({
      types: [],
      serializer: undefined,
      compression: { threshold: 8_192, level: 1, algorithm: 'deflate' },
      keyRing: undefined,
    });
    expect(Object.isFrozen(resolveCodecOptions())).toBe(true);
  });
});
