/** Results that are of a class: the caller is answered, nothing is stored, and a line says whose they are and what to write. */
import { Injectable } from '@nestjs/common';
import { afterEach, expect, it } from '@jest/globals';
import { Cacheable, CachePut } from '../../../../lib/index.js';
import { closeAll, start } from '../support/start.js';

class Cat {
  constructor(readonly name: string) {}
}

const WAY_OUT = 'Map it to a plain object, or register the class: codec: { types: [Cat] }.';

@Injectable()
class Cats {
  @Cacheable({ namespace: 'cats' })
  async list(): Promise<Cat[]> {
    return [new Cat('secret')];
  }

  @Cacheable({ namespace: 'cats' })
  async one(name: string): Promise<{ cat: Cat }> {
    return { cat: new Cat(name) };
  }

  @CachePut({ namespace: 'cats', key: (name: string) => name })
  async rename(name: string): Promise<Cat> {
    return new Cat(name);
  }
}

afterEach(() => closeAll());

it('of methods that share a namespace are told of each, once, and never a value', async () => {
  const { get, log, events, cache } = await start({}, Cats);
  const cats = get(Cats);
  for (let times = 0; times < 2; times++) {
    expect((await cats.list())[0]).toBeInstanceOf(Cat);
    expect((await cats.one('secret')).cat).toBeInstanceOf(Cat);
    expect(await cats.rename('secret')).toBeInstanceOf(Cat);
  }
  const told = 'are not stored; the caller was answered all the same:';
  const lines = [
    `Results of Cats.list (namespace "cats") ${told} value[0] is an instance of Cat, a class that is not registered. ${WAY_OUT}`,
    `Results of Cats.one (namespace "cats") ${told} value.cat is an instance of Cat, a class that is not registered. ${WAY_OUT}`,
    `Results of Cats.rename (namespace "cats") ${told} value is an instance of Cat, a class that is not registered. ${WAY_OUT}`,
  ];
  expect(events.of('warning').map(({ message }) => message)).toEqual(lines);
  expect(log.of('Cache')).toEqual(lines.map((line) => `warn ${line} [Cache]`));
  expect(events.of('refused').map(({ reason }) => reason)).toEqual(Array(6).fill('unserializable'));
  expect((await cache.totals()).size).toBe(0);
});

it('of a loader by hand are told of by their namespace', async () => {
  const { cache, log } = await start({}, Cats);
  await cache.namespace('cats').getOrSet('tom', async () => new Cat('secret'));
  expect(log.of('Cache')).toEqual([
    expect.stringContaining(
      'warn Results of namespace "cats" are not stored; the caller was answered all the same: value',
    ),
  ]);
});

it('that are written by hand are refused, with the same words', async () => {
  const { cache } = await start({}, Cats);
  await expect(cache.set('tom', new Cat('secret'))).rejects.toThrow(
    `value is an instance of Cat, a class that is not registered. ${WAY_OUT}`,
  );
});
