import assert from 'node:assert/strict';
import { UnserializableError } from '../../core/errors.js';
import { contractCase } from './cases.js';
import type { ContractCase } from './contract.js';

class Registered {
  constructor(
    readonly name: string,
    readonly born: Date,
  ) {}

  greet(): string {
    return `I am ${this.name}`;
  }
}

/** Keeps its state where no copy sees it. */
class Money {
  readonly #cents: number;

  constructor(cents: number) {
    this.#cents = cents;
  }

  get cents(): number {
    return this.#cents;
  }
}

const MONEY = {
  type: Money,
  toJSON: (money: Money) => ({ cents: money.cents, since: new Date(money.cents) }),
  fromJSON: ({ cents, since }: { cents: number; since: Date }) => new Money(since.getTime() === cents ? cents : NaN),
};

/** What becomes of instances of registered classes, and of values that are frozen. */
export const instanceCases: readonly ContractCase[] = [
  contractCase(
    'an instance of a registered class comes back as one',
    async (stage) => {
      const key = stage.key('x');
      await stage.write(key, { cat: new Registered('Tom', new Date(0)) });
      const value = (await stage.fresh(key))?.value as { cat: Registered } | undefined;
      const cat = value?.cat;
      assert.ok(cat instanceof Registered);
      assert.equal(cat.greet(), 'I am Tom');
      assert.equal(cat.born.getTime(), 0);
    },
    { types: [Registered] },
  ),
  contractCase(
    'an instance with private fields comes back as what its registration makes of it, and is a part of keys by it',
    async (stage) => {
      const [key, other] = [stage.key(new Money(5)), stage.key(new Money(999))];
      for (const isolation of ['clone', 'freeze', 'none'] as const) {
        const value = { price: new Money(5), all: new Map([['a', [new Money(7)]]]) };
        await stage.write(key, value, { isolation });
        assert.equal(await stage.fill(await stage.granted(key, stage.a, 'replace'), value, { isolation }), 'stored');
        await stage.assertGone(other);
        const entry = await stage.fresh(stage.key(new Money(5)));
        const [first, second] = [entry?.value, entry?.value] as (typeof value)[];
        for (const back of [first, second]) {
          assert.ok(back?.price instanceof Money);
          assert.equal(back.price.cents, 5);
          assert.equal(back.all.get('a')?.[0]?.cents, 7);
        }
        // Without isolation a backend may hand out the object that it keeps; that of this library in memory does.
        if (isolation !== 'none') assert.notEqual(first?.price, second?.price);
        else if (stage.a.kind === 'memory') assert.equal(first?.price, second?.price);
      }
    },
    { types: [MONEY] },
  ),
  contractCase(
    'an instance whose registration cannot make it again is refused, and what was there stays',
    async (stage) => {
      const key = stage.key('x');
      await stage.write(key, 'before');
      const value = { price: new Money(NaN) };
      await assert.rejects(async () => stage.a.write(key, stage.draft(key, value)), UnserializableError);
      await stage.assertHolds(key, 'before');
    },
    {
      types: [
        {
          type: Money,
          toJSON: (money: Money) => money.cents,
          fromJSON: (cents: number) => {
            if (Number.isNaN(cents)) throw new TypeError('no amount');
            return new Money(cents);
          },
        },
      ],
    },
  ),
  contractCase('what one reader of a frozen value does to what cannot be frozen, no other sees', async (stage) => {
    const key = stage.key('x');
    const value = { map: new Map([['a', 1]]), set: new Set([1]), when: [new Date(0)], bytes: Buffer.from('abc') };
    await stage.write(key, value, { isolation: 'freeze' });
    for (const client of [stage.a, stage.b, stage.a]) {
      const back = (await stage.fresh(key, client))?.value as typeof value;
      assert.deepStrictEqual(back, value);
      back.map.set('b', 2);
      back.set.clear();
      back.when[0]?.setTime(1);
      back.bytes[0] = 0;
    }
  }),
];
