import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isPlainJson } from '../../../lib/codec/plain-json.js';
import { Copier } from '../../../lib/core/values/copier.js';
import { anyValue, holes, Money, objectOf, TYPED_ARRAYS, TYPES } from '../core/support/values.js';
import { entryOf, forge, ID, rig } from './support/codecs.js';
import { identical } from './support/identical.js';
import { runs, soaking } from '../../support/soak.js';

const copier = new Copier(TYPES);
const FORMAT = { json: 0, tagged: 1, bytes: 2 };

/** What keys may not contain and values may: half characters, objects without prototype, members of any name. */
const anyStored: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: anyValue },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map((text) => `${text}\ud800`) },
  { weight: 1, arbitrary: anyValue.map((value) => Object.assign(Object.create(null) as object, { value })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('~', '~u', '~D', '~O', '~C', '~x'), anyValue)
      .map(([tag, value]) => objectOf([[tag, value]])),
  },
  { weight: 2, arbitrary: fc.jsonValue() },
  {
    weight: 1,
    arbitrary: fc.array(anyValue, { maxLength: 4 }).map((items) => ({ rows: items, more: [items, { deep: items }] })),
  },
);

/** Sync: what small values are opened with takes no turn of the event loop. */
function through({ codec }: ReturnType<typeof rig>, value: unknown): unknown {
  const sealed = codec.seal({ value, generation: 'i', stamp: 1, labels: [], freshUntilServerMs: 1, graceMs: 0 }, ID);
  const opened = codec.open(sealed as Buffer, ID) as { value: unknown } | undefined;
  if (opened === undefined) throw new Error('did not open');
  return opened.value;
}

describe('B3, B4: a value comes back exactly as it was', () => {
  it('whatever it is made of, by itself and inside of others', () => {
    const plain = rig({ compression: false });
    const wrappings = [
      (value: unknown) => value,
      // oxlint-disable-next-line no-sparse-arrays -- a hole is what is being tested
      (value: unknown) => [value, , value],
      (value: unknown) => ({ a: value, '~': { '~': value } }),
      (value: unknown) => new Map([[value, new Set([value])]]),
      (value: unknown) => new Money(value, { deep: [[value]] }),
    ];
    fc.assert(
      fc.property(anyStored, fc.nat(wrappings.length - 1), (value, drawn) => {
        // Whole, each value is tried in all of them.
        const tried = soaking(wrappings, [wrappings[drawn]!]);
        return tried.every((wrap) => identical(through(plain, wrap(value)), wrap(value)));
      }),
      runs(20_000),
    );
    expect(plain.events).toEqual([]);
  });

  it.each<readonly [string, unknown]>([
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
    ['minus zero', -0],
    ['minus zero inside', { a: [-0, 0] }],
    ['the largest number', Number.MAX_VALUE],
    ['undefined', undefined],
    ['null', null],
    ['an empty text', ''],
    ['half a character', 'a\ud800'],
    ['a text beyond ASCII', '漢字 😀 é'],
    ['a bigint', -(2n ** 70n)],
    ['a date', new Date(1_700_000_000_000)],
    ['an invalid date', new Date(NaN)],
    [
      'a Map of a Map, with objects as keys',
      new Map<unknown, unknown>([
        [{ a: 1 }, new Map([[/a/g, new Set([[NaN]])]])],
        [undefined, [null]],
      ]),
    ],
    ['an empty Map and an empty Set', [new Map(), new Set()]],
    ['a RegExp', /[\n/]"\\/giu],
    ['a URL', new URL('https://user:p%40ss@example.com:8080/a?b=c&d=%20#e')],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: new Date(0) })],
    ['an instance of a registered class', new Money(new Money(-0, undefined), 'EUR')],
    [
      'objects that look like tags',
      [{ '~u': 0 }, { '~D': 5 }, { '~': { '~': 1 } }, { '~u': 0, b: 1 }, { '~C': ['Money', {}] }, new Date(0)],
    ],
    ['an own property called __proto__', [objectOf([['__proto__', { x: 1 }]]), objectOf([['__proto__', new Date(0)]])]],
    [
      'the same on an object without prototype',
      Object.defineProperty(Object.create(null) as object, '__proto__', {
        value: 1,
        enumerable: true,
        writable: true,
        configurable: true,
      }),
    ],
    [
      'the same on an instance',
      Object.defineProperty(new Money(1, 2), '__proto__', {
        value: { x: 1 },
        enumerable: true,
        writable: true,
        configurable: true,
      }),
    ],
    ['names that objects already have', { constructor: 1, toString: 2, hasOwnProperty: 3, valueOf: new Date(0) }],
    ['keys that look like numbers', { b: 1, 10: 2, 9: new Date(0) }],
  ])('%s', async (_, value) => {
    expect(identical(await rig().through(value), value)).toBe(true);
    expect(identical(await rig().through({ deep: [value] }), { deep: [value] })).toBe(true);
  });

  it.each(TYPED_ARRAYS)('%p, as the value and inside of one', async (type) => {
    const bytes = Uint8Array.from({ length: 64 }, (_, at) => at * 41);
    // Not at the start of its memory, and not all of it.
    const view = new type(bytes.buffer, 8, 48 / type.BYTES_PER_ELEMENT);
    expect(identical(await rig().through(view), view)).toBe(true);
    expect(identical(await rig().through([view, new type(0)]), [view, new type(0)])).toBe(true);
  });

  it('a Buffer, and no other reader sees the memory it comes in', async () => {
    const { seal, open } = rig();
    const sealed = await seal(Buffer.from('abc'));
    const [first, second] = [(await open(sealed))?.value as Buffer, (await open(sealed))?.value as Buffer];
    expect(Buffer.isBuffer(first)).toBe(true);
    first.fill(0);
    expect(second.toString()).toBe('abc');
    expect(second.buffer.byteLength).toBe(3);
    expect((await open(sealed))?.value).toEqual(Buffer.from('abc'));
  });

  it('instances come back without a constructor, getter or setter being run', async () => {
    const ran: string[] = [];
    class Guarded {
      a: unknown = 1;
      constructor() {
        ran.push('constructor');
      }
      get b(): unknown {
        ran.push('getter');
        return 1;
      }
      set b(_: unknown) {
        ran.push('setter');
      }
      toJSON(): unknown {
        ran.push('toJSON');
        return {};
      }
    }
    const value = Object.defineProperty(new Guarded(), 'b', {
      value: 2,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    ran.length = 0;
    const back = await rig({ types: [Guarded] }).through(value);
    expect(ran).toEqual([]);
    expect(back).toBeInstanceOf(Guarded);
    expect(Object.entries(back as object)).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('what JSON keeps is stored as plain JSON, and only the rest is tagged', async () => {
    const { seal } = rig();
    const formatOf = async (value: unknown): Promise<number> => (await seal(value))[18]!;
    expect(await formatOf({ a: [1, 'b', null, true, { c: {} }] })).toBe(FORMAT.json);
    expect(await formatOf({ '~u': 0 })).toBe(FORMAT.json);
    expect(await formatOf([{ '~u': 0 }, -0])).toBe(FORMAT.tagged);
    expect(await formatOf({ a: undefined })).toBe(FORMAT.tagged);
    expect(await formatOf(new Uint8Array(3))).toBe(FORMAT.bytes);
    expect((await seal({ a: [1, 'b'] })).toString('latin1')).toContain('{"a":[1,"b"]}');
  });

  it('what passes for plain JSON would have been admitted, and JSON keeps it', () => {
    fc.assert(
      fc.property(anyStored, fc.nat(3_000), (value, limit) => {
        if (!isPlainJson(value, limit)) return true;
        copier.admit(value, 'clone', limit);
        return identical(JSON.parse(JSON.stringify(value)), value);
      }),
      runs(20_000),
    );
  });
});

describe('B5: what is not there', () => {
  it('holes stay holes, undefined members stay undefined', async () => {
    // oxlint-disable-next-line no-sparse-arrays -- holes are what is being tested
    const value = { list: [, 1, , undefined], gone: undefined, empty: holes(3) };
    const back = (await rig().through(value)) as typeof value;
    expect(identical(back, value)).toBe(true);
    expect([0, 1, 2, 3].map((at) => at in back.list)).toEqual([false, true, false, true]);
    expect('gone' in back).toBe(true);
  });

  it('hidden properties of plain objects are left out, and a hidden toJSON is not called', async () => {
    const hidden = Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'called' });
    expect(await rig().through({ hidden, b: [hidden] })).toEqual({ hidden: { a: 1 }, b: [{ a: 1 }] });
  });

  it('a hole exists in arrays only', async () => {
    const { open, events } = rig();
    for (const body of ['{"~h":0}', '{"a":{"~h":0}}', '{"~O":{"a":{"~h":0}}}'])
      expect(await open(forge(body, { format: 1 }))).toBeUndefined();
    expect(events.map(({ type }) => type)).toEqual(['damaged', 'damaged', 'damaged']);
  });
});

describe('instances as their registration writes them', () => {
  class Amount {
    readonly #cents: number;
    constructor(cents: number) {
      this.#cents = cents;
    }
    get cents(): number {
      return this.#cents;
    }
  }
  const form = {
    type: Amount,
    toJSON: (it: Amount) => [it.cents, new Date(0)],
    fromJSON: ([cents]: [number]) => {
      if (cents < 0) throw new RangeError(`${cents}`);
      return new Amount(cents);
    },
  };

  it('are opened by the process that has the registration, each look with an instance of its own', async () => {
    const { codec } = rig({ types: [form] });
    const opened = await rig({ types: [form] }).open(await codec.seal(entryOf([new Amount(5)]), ID));
    const value = opened?.value as [Amount];
    expect(value[0]).toBeInstanceOf(Amount);
    expect(value[0].cents).toBe(5);
  });

  it('are a miss where the class is registered in another way or not at all, with one warning and no damage', async () => {
    class Other {
      readonly cents = 5;
    }
    Object.defineProperty(Other, 'name', { value: 'Amount' });
    const formed = await rig({ types: [form] }).seal([new Amount(5)]);
    const byProperties = await rig({ types: [Other] }).seal([new Other()]);
    for (const [types, sealed] of [
      [[Other], formed],
      [[], formed],
      [[form], byProperties],
    ] as const) {
      const { open, events } = rig({ types });
      expect(await open(sealed)).toBeUndefined();
      expect(await open(sealed)).toBeUndefined();
      expect(events.map(({ type }) => type)).toEqual(['warning']);
    }
  });

  it('are a miss when fromJSON throws on what a forger wrote, or makes something else of it', async () => {
    const { open, events } = rig({ types: [form] });
    expect(await open(forge('{"~J":["Amount",[-1]]}', { format: FORMAT.tagged }))).toBeUndefined();
    expect(await open(forge('{"~J":["Amount"]}', { format: FORMAT.tagged }))).toBeUndefined();
    const other = rig({ types: [{ ...form, fromJSON: () => ({}) as Amount }] });
    expect(await other.open(forge('{"~J":["Amount",[1]]}', { format: FORMAT.tagged }))).toBeUndefined();
    expect(events.map(({ type }) => type)).toEqual(['damaged', 'damaged']);
  });
});
