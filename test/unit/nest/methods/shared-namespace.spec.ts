import 'reflect-metadata';
import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Cacheable, CacheConfig, CacheEvict, CacheModule, CacheService } from '../../../../lib/index.js';

@Injectable()
@CacheConfig({ namespace: 'cats' })
class Cats {
  @Cacheable()
  async list(): Promise<string> {
    return 'the list';
  }

  @Cacheable({ key: (id: string) => id })
  async one(id: string): Promise<string> {
    return `cat ${id}`;
  }

  @Cacheable()
  async named(name: string): Promise<string> {
    return `named ${name}`;
  }
}

it('an automatic key is never one that a caller can say, although both read alike in a list', async () => {
  const module = await Test.createTestingModule({ imports: [CacheModule.forRoot()], providers: [Cats] }).compile();
  const cats = module.get(Cats);
  const cache = module.get(CacheService).namespace('cats');
  expect(await cats.list()).toBe('the list');
  // The id may come from a client: it must not reach the entry of another method.
  expect(await cats.one('list')).toBe('cat list');
  expect(await cats.named('Tom')).toBe('named Tom');
  expect(await cache.get('list')).toBe('cat list');
  expect(await cache.get(['named', 'Tom'])).toBeUndefined();
  const keys: string[] = [];
  for await (const key of cache.keys()) keys.push(key);
  expect(keys.toSorted()).toEqual(['list', 'list', 'named:Tom']);
  expect(await cache.invalidate('named:*')).toBe(1);
  await module.close();
});

describe('a list that came with the arguments is one part of a key, not a list of parts', () => {
  interface Query {
    ids: string[];
    deep?: { ids: string[] };
  }
  @Injectable()
  class Files {
    @Cacheable({ namespace: 'files', key: (ids: string[]) => ids })
    async meta(ids: string[]): Promise<string> {
      return `meta of ${ids.join()}`;
    }
    @Cacheable({ namespace: 'files', key: (query: Query) => query.deep?.ids ?? query.ids })
    async asked(query: Query): Promise<string> {
      return `asked ${query.ids.join()}`;
    }
    @Cacheable({ namespace: 'files', key: (id: string, key: string) => [id, key] })
    async secret(id: string, key: string): Promise<string> {
      return `secret of ${id} ${key}`;
    }
    @Cacheable({ namespace: 'files', key: (...ids: string[]) => ids.map((id) => `${id}!`) })
    async made(...ids: string[]): Promise<string> {
      return `made of ${ids.join()}`;
    }
    @CacheEvict({ namespace: 'files', key: (ids: string[]) => ids })
    async forget(_ids: string[]): Promise<void> {}
    @CacheEvict({ namespace: 'files', keys: (keys: string[][]) => keys })
    async forgetAll(_keys: string[][]): Promise<void> {}
  }
  const open = async (): Promise<[Files, CacheService, () => Promise<void>]> => {
    const module = await Test.createTestingModule({ imports: [CacheModule.forRoot()], providers: [Files] }).compile();
    return [module.get(Files), module.get(CacheService), () => module.close()];
  };

  it('so that a client’s list never is the key of another method', async () => {
    const [files, cache, close] = await open();
    expect(await files.secret('8', 'x')).toBe('secret of 8 x');
    expect(await files.meta(['8', 'x'])).toBe('meta of 8,x');
    // The same list, said by three methods in the same way, is the same entry.
    expect(await files.asked({ ids: ['8', 'x'] })).toBe('meta of 8,x');
    expect(await files.asked({ ids: [], deep: { ids: ['8', 'x'] } })).toBe('meta of 8,x');
    expect(await files.made('8')).toBe('made of 8');
    expect(await cache.namespace('files').get(['8!'])).toBe('made of 8');
    expect(await cache.namespace('files').get(['8', 'x'])).toBe('secret of 8 x');
    expect(await cache.namespace('files').get([['8', 'x']])).toBe('meta of 8,x');
    await close();
  });

  it('and a removal by such a list means either, rather too much than too little', async () => {
    for (const forget of [
      (files: Files) => files.forget(['8', 'x']),
      (files: Files) => files.forgetAll([['8', 'x']]),
    ]) {
      const [files, cache, close] = await open();
      await files.secret('8', 'x');
      await files.meta(['8', 'x']);
      await forget(files);
      expect((await cache.namespace('files').stats()).size).toBe(0);
      await close();
    }
  });

  it('however deep it lies in what a client sends, also where a transformer has made instances of that', async () => {
    const list = ['8', 'x'];
    class Page {
      readonly ids = list;
    }
    class Filter {
      readonly page = new Page();
    }
    class Search {
      readonly filter = new Filter();
    }
    const bodies: object[] = [
      { a: { b: { c: { d: [{ ids: list }] } } } },
      [[[list]]],
      new Search(),
      { map: new Map([['ids', list]]), set: new Set([{ deep: list }]) },
    ];
    @Injectable()
    class Searches {
      @Cacheable({ namespace: 'files', key: (_body: object) => list })
      async search(_body: object): Promise<string> {
        return 'found';
      }
      @Cacheable({ namespace: 'files', key: (id: string, key: string) => [id, key] })
      async secret(id: string, key: string): Promise<string> {
        return `secret of ${id} ${key}`;
      }
    }
    const module = await Test.createTestingModule({
      imports: [CacheModule.forRoot()],
      providers: [Searches],
    }).compile();
    const searches = module.get(Searches);
    expect(await searches.secret('8', 'x')).toBe('secret of 8 x');
    for (const body of bodies) expect(await searches.search(body)).toBe('found');
    await module.close();
  });

  it('and a request is not searched through all that it leads to', async () => {
    const socket = Object.defineProperty(new EventEmitter(), 'server', {
      enumerable: true,
      get: () => {
        throw new Error('is not looked at');
      },
    });
    const request = Object.assign(new EventEmitter(), { socket, params: { id: '7' } });
    @Injectable()
    class Requests {
      @Cacheable({ namespace: 'files', key: ({ params }: { params: { id: string } }) => ['request', params.id] })
      async handle(_request: { params: { id: string } }): Promise<string> {
        return 'handled';
      }
    }
    const module = await Test.createTestingModule({
      imports: [CacheModule.forRoot()],
      providers: [Requests],
    }).compile();
    await expect(module.get(Requests).handle(request)).resolves.toBe('handled');
    await module.close();
  });

  describe('looked for without running code of an argument', () => {
    interface Sent {
      readonly id: string;
      readonly ids?: string[];
    }
    const calls = { built: 0 };
    @Injectable()
    class Sents {
      @Cacheable({
        namespace: 'files',
        key: ({ id, ids }: Sent) => {
          calls.built++;
          return ids ?? ['sent', id];
        },
      })
      async take({ id }: Sent, _padding?: unknown): Promise<string> {
        return `took ${id}`;
      }
      @CacheEvict({ namespace: 'files', key: (id: string) => ['sent', id] })
      async drop(_id: string): Promise<void> {}
    }
    const begin = async (): Promise<[Sents, ReturnType<CacheService['namespace']>, () => Promise<void>]> => {
      const module = await Test.createTestingModule({ imports: [CacheModule.forRoot()], providers: [Sents] }).compile();
      return [module.get(Sents), module.get(CacheService).namespace('files'), () => module.close()];
    };
    const fails = (): never => {
      throw new Error('is not looked at');
    };

    it('so that a getter or a proxy that fails does not fail the call', async () => {
      const [sents, cache, close] = await begin();
      const getter = Object.defineProperty({ id: '1' }, 'other', { enumerable: true, get: fails });
      const proxy = { id: '2', inner: new Proxy({}, { ownKeys: fails, getPrototypeOf: fails }) };
      const outer = new Proxy({ id: '3' }, { ownKeys: fails, getPrototypeOf: fails, getOwnPropertyDescriptor: fails });
      const { proxy: revoked, revoke } = Proxy.revocable([], {});
      revoke();
      const gone = { id: '4', revoked };
      for (const sent of [getter, proxy, outer, gone]) {
        await expect(sents.take(sent)).resolves.toBe(`took ${sent.id}`);
        expect(await cache.get(['sent', sent.id])).toBe(`took ${sent.id}`);
      }
      await close();
    });

    it('and a list behind a getter is one part all the same', async () => {
      const [sents, cache, close] = await begin();
      const list = ['sent', '9'];
      const sent = Object.defineProperty({ id: '8' }, 'ids', { enumerable: true, get: () => list });
      await sents.take(sent);
      expect([await cache.get(list), await cache.get([list])]).toEqual([undefined, 'took 8']);
      await close();
    });

    it('and only a bounded part of it, beyond which a list of the client’s is one part and a made one is not', async () => {
      const [sents, cache, close] = await begin();
      let looked = 0;
      const slices = Array.from({ length: 6 }, () =>
        Array.from(
          { length: 1_000 },
          (_, at) => new Proxy({ at }, { ownKeys: (target) => (looked++, Reflect.ownKeys(target)) }),
        ),
      );
      const list = ['sent', '6'];
      for (const padding of [slices, slices.flat(), slices.flat().map(({ at }) => at)]) {
        await sents.take({ id: '5', ids: list }, padding);
        await sents.take({ id: '7' }, padding);
        looked = 0;
        // Hits: nothing but the making of the key looks at arguments.
        await sents.take({ id: '5', ids: list }, padding);
        await sents.take({ id: '7' }, padding);
        expect(looked).toBeLessThanOrEqual(2 * 4_096);
      }
      expect([await cache.get(list), await cache.get([list])]).toEqual([undefined, 'took 5']);
      expect(await cache.get(['sent', '7'])).toBe('took 7');
      await sents.drop('7');
      expect(await cache.get(['sent', '7'])).toBeUndefined();
      await close();
    });

    it('and a key made of a small argument is made once', async () => {
      const [sents, , close] = await begin();
      calls.built = 0;
      await sents.take({ id: '1' });
      expect(calls.built).toBe(1);
      await close();
    });
  });
});
