import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cacheable, cacheType, CacheService, memory } from '../../../../lib/index.js';
import { closeAll, start } from '../support/start.js';

afterEach(closeAll);

class Money {
  readonly #cents: number;
  constructor(cents: number) {
    this.#cents = cents;
  }
  get cents(): number {
    return this.#cents;
  }
  doubled(): Money {
    return new Money(2 * this.#cents);
  }
}

const money = cacheType({ type: Money, toJSON: (it) => it.cents, fromJSON: (cents: number) => new Money(cents) });

describe('a class with private fields in codec.types', () => {
  it('stops the start when nothing says what stands for its instances', async () => {
    await expect(start({ codec: { types: [Money] } })).rejects.toThrow(
      'Write { type: Money, toKey, toJSON, fromJSON } in its place',
    );
  });

  it('Money(999) is not answered by Money(5), and a hit is a Money that works', async () => {
    @Injectable()
    class Prices {
      @Cacheable()
      async double(price: Money): Promise<{ readonly total: Money }> {
        return { total: price.doubled() };
      }
    }
    const prices = (await start({ codec: { types: [money] } }, Prices)).get(Prices);
    for (const cents of [5, 999, 5, 999]) {
      const { total } = await prices.double(new Money(cents));
      expect(total).toBeInstanceOf(Money);
      expect(total.doubled().cents).toBe(4 * cents);
    }
  });

  it.each(['clone', 'freeze'] as const)('%s: callers who wait for one load get a Money each', async (isolate) => {
    const cache = (await start({ codec: { types: [money] }, backend: memory({ isolate }) })).get(CacheService);
    const all = await Promise.all(
      Array.from({ length: 3 }, () => cache.getOrSet('price', async () => [new Money(5)] as const)),
    );
    expect(all.map(([price]) => price.cents)).toEqual([5, 5, 5]);
    expect(new Set(all.map(([price]) => price)).size).toBe(3);
    expect((await cache.get<readonly [Money]>('price'))?.[0].cents).toBe(5);
  });
});
