import { afterEach, describe, expect, it } from '@jest/globals';
import { applyDecorators, Controller, Get, HttpCode, Injectable, Param, Post, SetMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Cacheable, CacheConfigError, CacheEvict, CacheModule, CachePut } from '../../../../lib/index.js';
import { closeAll, counter, start } from '../support/start.js';

afterEach(closeAll);

/** As teams compose them: Nest's applyDecorators passes over what a decorator returns. */
const Cached = (): MethodDecorator =>
  applyDecorators(Cacheable('5m') as MethodDecorator, SetMetadata('kind', 'cached'));
const Forgets = (method: string): MethodDecorator =>
  applyDecorators(SetMetadata('kind', 'forgets'), CacheEvict({ method }) as MethodDecorator);

describe('decorators that are applied as one, by applyDecorators of Nest', () => {
  it('work on methods and getters, for each of them', async () => {
    @Injectable()
    class Cats {
      readonly next = counter();
      @Cached()
      async find(id: string): Promise<string> {
        return this.next(id);
      }
      @(applyDecorators(Cacheable('5m') as MethodDecorator) as MethodDecorator)
      get today(): Promise<string> {
        return Promise.resolve(this.next('today'));
      }
      @applyDecorators(CachePut({ namespace: 'Cats.find', key: (id: string) => [id] }) as MethodDecorator)
      async put(id: string): Promise<string> {
        return this.next('put', id);
      }
      @Forgets('find')
      @Forgets('today')
      async forget(_id: string): Promise<void> {}
    }
    const cats = (await start({}, Cats)).get(Cats);
    const read = async (): Promise<string[]> => [await cats.find('a'), await cats.today];
    expect(await read()).toEqual(['a #1', 'today #2']);
    expect(await read()).toEqual(['a #1', 'today #2']);
    await cats.put('a');
    expect(await read()).toEqual(['put a #3', 'today #2']);
    await cats.forget('a');
    expect(await read()).toEqual(['a #4', 'today #5']);
  });

  it('work on the handlers of routes, above and below what else is said of them', async () => {
    const next = counter();
    @Controller('cats')
    class Cats {
      @Cached()
      @Get('above/:id')
      @HttpCode(203)
      above(@Param('id') id: string): Promise<string> {
        return Promise.resolve(next(id));
      }
      @HttpCode(203)
      @Get('below/:id')
      @Cached()
      below(@Param('id') id: string): Promise<string> {
        return Promise.resolve(next(id));
      }
      @Post(':id')
      @Forgets('above')
      @Forgets('below')
      forget(@Param('id') _id: string): Promise<string> {
        return Promise.resolve('gone');
      }
    }
    const module = await Test.createTestingModule({ imports: [CacheModule.forRoot()], controllers: [Cats] }).compile();
    const app = module.createNestApplication({ logger: false });
    try {
      await app.listen(0, '127.0.0.1');
      const url = await app.getUrl();
      const ask = async (path: string, method = 'GET'): Promise<string> => {
        const answer = await fetch(`${url}/cats/${path}`, { method });
        return `${answer.status} ${await answer.text()}`;
      };
      const both = async (): Promise<string[]> => [await ask('above/1'), await ask('below/1')];
      expect(await both()).toEqual(['203 1 #1', '203 1 #2']);
      expect(await both()).toEqual(['203 1 #1', '203 1 #2']);
      expect(await ask('1', 'POST')).toBe('201 gone');
      expect(await both()).toEqual(['203 1 #3', '203 1 #4']);
    } finally {
      await app.close();
    }
  });
});

it('as standard decorators, which Nest does not know, they say what to set', () => {
  const decorate = Cacheable() as unknown as (value: unknown, context: object) => void;
  for (const value of [() => 1, undefined]) {
    const work = (): void => decorate(value, { kind: 'method', name: 'find' });
    expect(work).toThrow(CacheConfigError);
    expect(work).toThrow(/@Cacheable: .*experimentalDecorators/);
  }
});
