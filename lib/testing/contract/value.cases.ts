import assert from 'node:assert/strict';
import { UnserializableError, ValueTooLargeError } from '../../core/errors.js';
import { contractCase } from './cases.js';
import type { ContractCase } from './contract.js';
import type { Stage } from './stage.js';

/** Made anew for every use: some of them can be changed. */
const KEPT: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  'an empty text': () => '',
  'text beyond ASCII': () => 'é e\u0301 😀 \u200f\0\n',
  zero: () => 0,
  'minus zero': () => -0,
  NaN: () => NaN,
  Infinity: () => Infinity,
  'minus Infinity': () => -Infinity,
  'the largest and smallest numbers': () => [Number.MAX_VALUE, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER, 0.1 + 0.2],
  false: () => false,
  true: () => true,
  'a large whole number': () => 123_456_789_012_345_678_901_234_567_890n,
  'a negative large whole number': () => -1n,
  'a date': () => new Date(Date.UTC(2020, 1, 29, 12, 30, 15, 123)),
  'an invalid date': () => new Date(NaN),
  'a map with keys of every kind': () =>
    new Map<unknown, unknown>([
      ['a', 1],
      [1, 'a'],
      [{ k: 1 }, [null]],
      [undefined, NaN],
    ]),
  'a set': () => new Set<unknown>([1, '1', null, { a: 1 }, -0]),
  'a regular expression': () => /a[^b]+\/c/giu,
  'an address': () => new URL('https://user@example.com:8443/path?q=1&q=2#part'),
  'bytes in a Buffer': () => Buffer.from([0, 1, 254, 255]),
  'bytes in a Uint8Array': () => new Uint8Array([0, 1, 254, 255]),
  'numbers in a Float64Array': () => new Float64Array([0, -0, NaN, 1.5]),
  'numbers in an Int16Array': () => new Int16Array([-32_768, 32_767]),
  'large whole numbers in a BigInt64Array': () => new BigInt64Array([-1n, 1n]),
  'an empty array': () => [],
  'an array with holes': () => {
    const holes: unknown[] = [];
    holes.length = 3;
    holes[1] = undefined;
    return holes;
  },
  'an empty object': () => ({}),
  'an object without a prototype': () => Object.assign(Object.create(null) as object, { a: 1 }),
  'a property that is undefined': () => ({ there: undefined, also: null }),
  'an array with undefined in it': () => [undefined, null, undefined],
  'properties named like parts of an object': () =>
    JSON.parse(
      '{"__proto__":{"x":1},"constructor":{"prototype":{"y":2}},"toString":1,"then":"now","toJSON":{}}',
    ) as unknown,
  'properties that look like marks of a serializer': () => ({
    $type: 'Date',
    $date: 1,
    '@@': [['Map', []]],
    value: { $undefined: true },
  }),
  'texts that look like marks of a serializer': () => [
    '$undefined',
    'NaN',
    '1n',
    'Infinity',
    '\u0000',
    '{"a":1}',
    '$',
    '~',
    '@',
    '^1',
    '!d',
  ],
  'what refers twice to one thing': () => {
    const shared = { a: [1] };
    return { first: shared, second: shared };
  },
  'sixty levels of nesting': () => {
    let nested: unknown = 'bottom';
    for (let level = 0; level < 60; level++) nested = level % 2 === 0 ? [nested] : { nested };
    return nested;
  },
  'everything together': () => ({
    list: [new Map([['k', new Set([new Date(0)])]]), { n: 1n, u: undefined }],
    b: Buffer.from('x'),
  }),
};

class Unregistered {
  readonly name = 'nobody knows me';
}

class OwnDate extends Date {}

const REFUSED: Readonly<Record<string, () => unknown>> = {
  'a function': () => () => 1,
  'a symbol': () => Symbol('s'),
  'a promise': () => Promise.resolve(1),
  'an instance of a class nobody registered': () => new Unregistered(),
  'an instance of a class derived from a built-in one': () => new OwnDate(0),
  'a weak map': () => new WeakMap(),
  'a generator': () =>
    (function* numbers() {
      yield 1;
    })(),
  'an array that refers to itself': () => {
    const circle: unknown[] = [];
    circle.push(circle);
    return circle;
  },
  'an object that refers to itself': () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = { deeper: circle };
    return circle;
  },
  'a hundred thousand levels of nesting': () => {
    let nested: unknown = [];
    for (let level = 0; level < 100_000; level++) nested = [nested];
    return nested;
  },
  'an object with symbols for names': () => ({ [Symbol('s')]: 1 }),
};

async function keeps(stage: Stage, value: unknown): Promise<void> {
  const [written, filled] = [stage.key('written'), stage.key('filled')];
  await stage.write(written, value);
  await stage.assertHolds(written, value);
  assert.equal(await stage.fill(await stage.granted(filled), value), 'stored');
  await stage.assertHolds(filled, value);
}

const fidelityCases = Object.entries(KEPT).map(([name, make]) =>
  contractCase(`${name} comes back exactly as it was stored`, async (stage) => {
    await keeps(stage, make());
    // assert.deepStrictEqual sees past what addresses and -0 hide inside others, so those are looked at by themselves.
    const [value, back] = [make(), (await stage.fresh(stage.key('written')))?.value];
    if (typeof value === 'number') assert.ok(Object.is(value, back));
    if (value instanceof URL) assert.equal((back as URL).href, value.href);
    if (typeof value === 'object' && value !== null) {
      assert.equal(Object.getPrototypeOf(back), Object.getPrototypeOf(value));
      assert.notEqual(back, value);
    }
  }),
);

const refusalCases = Object.entries(REFUSED).map(([name, make]) =>
  contractCase(`${name} is refused, wherever it stands in a value, and what was there stays`, async (stage) => {
    const [key, filled] = [stage.key('x'), stage.key('y')];
    await stage.write(key, 'before');
    for (const value of [make(), { inside: make() }, [make()], new Map([['inside', make()]])]) {
      await assert.rejects(async () => stage.a.write(key, stage.draft(key, value)), UnserializableError);
    }
    const lease = await stage.granted(filled);
    await assert.rejects(async () => stage.fill(lease, make()), UnserializableError);
    await stage.assertHolds(key, 'before');
    await stage.assertGone(filled);
  }),
);

/** Which values are kept, how, and which are refused. */
export const valueCases: readonly ContractCase[] = [
  ...fidelityCases,
  ...refusalCases,
  contractCase('what the caller does to a value after storing it changes nothing', async (stage) => {
    const value = { list: [1], when: new Date(0), map: new Map([['a', 1]]), bytes: Buffer.from('abc') };
    await stage.write(stage.key('x'), value);
    value.list.push(2);
    value.when.setTime(1);
    value.map.set('b', 2);
    value.bytes[0] = 0;
    await stage.assertHolds(stage.key('x'), {
      list: [1],
      when: new Date(0),
      map: new Map([['a', 1]]),
      bytes: Buffer.from('abc'),
    });
  }),
  contractCase('what one reader does to a value, no other reader sees', async (stage) => {
    const key = stage.key('x');
    await stage.write(key, { list: [{ n: 1 }] });
    const entry = await stage.fresh(key, stage.a);
    const [first, second] = [entry?.value, entry?.value] as { list: { n: number }[] }[];
    first?.list.push({ n: 2 });
    if (first?.list[0] !== undefined) first.list[0].n = 9;
    assert.deepStrictEqual(second, { list: [{ n: 1 }] });
    await stage.assertHolds(key, { list: [{ n: 1 }] }, stage.a);
    await stage.assertHolds(key, { list: [{ n: 1 }] }, stage.b);
  }),
  contractCase('a value beyond the limit is refused, and what was there stays', async (stage) => {
    const key = stage.key('x');
    await stage.write(key, 'before');
    await assert.rejects(async () => stage.a.write(key, stage.draft(key, tooLarge())), isTooLarge);
    await stage.assertHolds(key, 'before');
  }),
  contractCase('a batch with a value beyond the limit is refused as a whole', async (stage) => {
    const [small, large] = [stage.key('x'), stage.key('y')];
    await stage.write(large, 'before');
    const batch = [
      [small, stage.draft(small, 1)],
      [large, stage.draft(large, tooLarge())],
    ] as const;
    await assert.rejects(async () => stage.a.writeMany(batch), isTooLarge);
    await stage.assertGone(small);
    await stage.assertHolds(large, 'before');
  }),
  contractCase('a fill beyond the limit is refused, and its lease stays with its holder', async (stage) => {
    const lease = await stage.granted(stage.key('x'));
    await assert.rejects(async () => stage.fill(lease, tooLarge()), isTooLarge);
    await stage.assertGone(lease.key);
    await stage.assertHeld(lease.key, lease.token);
    assert.equal(await stage.fill(lease, 'small'), 'stored');
    await stage.assertHolds(lease.key, 'small');
  }),
  contractCase('of a value beyond the limit, what comes after it is not looked at', async (stage) => {
    const key = stage.key('x');
    let looks = 0;
    const end = {
      get late() {
        return ++looks;
      },
    };
    await assert.rejects(async () => stage.a.write(key, stage.draft(key, [...tooLarge(), end])), isTooLarge);
    assert.equal(looks, 0);
  }),
];

/** More than the limit has to be set to for the proof of a backend: 1 MiB, which is its default. Not to be compressed. */
function tooLarge(): unknown[] {
  return Array.from({ length: 300_000 }, (_, index) => (index * 2_654_435_761) % 4_294_967_296);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof ValueTooLargeError && error.sizeBytes > error.limitBytes;
}
