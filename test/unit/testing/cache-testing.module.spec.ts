import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Cacheable, CacheService, memory } from '../../../lib/index.js';
import { CACHE_EVENTS, CacheTestingModule, chaos, FakeClock, type RecordedEvents } from '../../../lib/testing.js';

@Injectable()
class Cats {
  loads = 0;

  @Cacheable()
  async count(): Promise<number> {
    return ++this.loads;
  }
}

describe('the testing module', () => {
  it('runs the cache on a clock that moves when told', async () => {
    const module = await Test.createTestingModule({
      imports: [CacheTestingModule.forTest({ defaults: { ttl: '5m' } })],
      providers: [Cats],
    }).compile();
    const cats = module.get(Cats);
    expect([await cats.count(), await cats.count()]).toEqual([1, 1]);
    await module.get(FakeClock).advance(299_999);
    expect(await cats.count()).toBe(1);
    await module.get(FakeClock).advance(1);
    expect(await cats.count()).toBe(2);
    await module.close();
  });

  it('remembers what happened, and tells the observers it was given as well', async () => {
    const heard: string[] = [];
    const module = await Test.createTestingModule({
      imports: [CacheTestingModule.forTest({ observers: [({ type }) => heard.push(type)] })],
      providers: [Cats],
    }).compile();
    await module.get(Cats).count();
    const events = module.get<RecordedEvents>(CACHE_EVENTS);
    expect(events.types()).toEqual(expect.arrayContaining(['miss', 'load', 'fill']));
    expect(heard).toEqual(events.types());
    await module.close();
  });

  it('takes a backend that fails on request', async () => {
    const backend = chaos(memory());
    const module = await Test.createTestingModule({ imports: [CacheTestingModule.forTest({ backend })] }).compile();
    const cache = module.get(CacheService);
    backend.failNext('read');
    expect(await cache.getOrSet('cat', () => 'Tom')).toBe('Tom');
    expect(module.get<RecordedEvents>(CACHE_EVENTS).of('bypass')).toMatchObject([{ reason: 'backend' }]);
    await module.close();
  });
});
