import 'reflect-metadata';
import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Cacheable, CacheConfig, CacheEvict, CacheModule, CacheService } from '../../../lib/index.js';

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
});
