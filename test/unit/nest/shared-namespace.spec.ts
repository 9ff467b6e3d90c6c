import 'reflect-metadata';
import { expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Cacheable, CacheConfig, CacheModule, CacheService } from '../../../lib/index.js';

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
