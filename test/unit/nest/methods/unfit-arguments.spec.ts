/** Arguments that can never be part of a key are found when the application starts, by what decorators and types say. */
import 'reflect-metadata';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Next, Param, Req, Res } from '@nestjs/common';
import { Context, Info, Parent, Query, ResolveField } from '@nestjs/graphql';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { ConnectedSocket, MessageBody, SubscribeMessage } from '@nestjs/websockets';
import {
  Cacheable,
  CacheConfigError,
  CacheEvict,
  CachePut,
  type CacheableOptions,
  type CacheModuleOptions,
} from '../../../../lib/index.js';
import { closeAll, start } from '../support/start.js';

afterEach(closeAll);

type Decorator = (target: object, name: string, at: never) => unknown;

class Secret {
  readonly #cents = 1;
  get cents(): number {
    return this.#cents;
  }
}
class Price extends Secret {}
class Feed extends EventEmitter {}
class ListDto {
  page = 1;
}

/** A class whose method has these decorators, and two arguments: the second is what is in question. */
function classOf(decorators: Decorator[], type: unknown, ofParameter?: Decorator): new () => object {
  class Cats {
    async find(_id: unknown, _other: unknown): Promise<number> {
      return 1;
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Cats.prototype, 'find') as PropertyDescriptor;
  Reflect.defineMetadata('design:paramtypes', [String, type], Cats.prototype, 'find');
  ofParameter?.(Cats.prototype, 'find', 1 as never);
  for (const each of decorators.toReversed()) each(Cats.prototype, 'find', descriptor as never);
  Object.defineProperty(Cats.prototype, 'find', descriptor);
  return Cats;
}

/** Why an application with such a class does not start; what it warns of where it does. */
async function said(type: new () => object, options: CacheModuleOptions = {}): Promise<string> {
  try {
    const { log, module } = await start(options, type);
    await module.init();
    const warned = log.of('Cache').filter((line) => line.startsWith('warn'));
    return warned.join('\n');
  } catch (error) {
    expect(error).toBeInstanceOf(CacheConfigError);
    return (error as Error).message;
  }
}

const cached = (options: CacheableOptions = {}): Decorator => Cacheable(options as never) as Decorator;
const route = Get() as Decorator;
const WRITE = 'cannot be part of a key; write ignoreArgs: [1], or say with `key` what counts of it';

describe('an argument that can never be part of a key stops the start', () => {
  it.each<readonly [string, Decorator, Decorator]>([
    ['@Req()', route, Req() as never],
    ['@Context()', Query(() => String) as Decorator, Context() as never],
    ['@Info()', Query(() => String) as Decorator, Info() as never],
    ['@Context()', ResolveField(() => String) as Decorator, Context() as never],
    ['@ConnectedSocket()', SubscribeMessage('cats') as Decorator, ConnectedSocket() as never],
    ['@Ctx()', MessagePattern('cats') as Decorator, Ctx() as never],
  ])('of %s', async (by, handler, ofParameter) => {
    const message = `@Cacheable Cats.find.ignoreArgs: argument 1 (${by}) ${WRITE}`;
    expect(await said(classOf([handler, cached()], Object, ofParameter))).toBe(message);
    expect(await said(classOf([cached(), handler], Object, ofParameter))).toBe(message);
    expect(await said(classOf([handler, cached({ ignoreArgs: [1] })], Object, ofParameter))).toBe('');
    expect(await said(classOf([handler, cached({ key: () => 'all' })], Object, ofParameter))).toBe('');
  });

  it('of the response in a put; a cached route with it has no key, and is warned of', async () => {
    for (const ofParameter of [Res(), Next()] as unknown[] as Decorator[]) {
      const put = CachePut() as unknown as Decorator;
      expect(await said(classOf([route, put], Object, ofParameter))).toContain(`@CachePut Cats.find.ignoreArgs: argu`);
      expect(await said(classOf([route, cached()], Readable, ofParameter))).toContain('handed the response');
    }
  });

  it.each<readonly [string, unknown]>([
    ['Readable, which is, or extends, EventEmitter', Readable],
    ['Feed, which is, or extends, EventEmitter', Feed],
    ['EventEmitter, which is, or extends, EventEmitter', EventEmitter],
    ['Promise, which is, or extends, a built-in class', Promise],
    ['Symbol, which is, or extends, a built-in class', Symbol],
    ['AbortSignal, which is, or extends, a built-in class', AbortSignal],
    ['WeakMap, which is, or extends, a built-in class', WeakMap],
    ['Failure, which is, or extends, a built-in class', class Failure extends Error {}],
    ['Secret, which has, or extends a class that has, private fields or methods', Secret],
    ['Price, which has, or extends a class that has, private fields or methods', Price],
  ])('of a type: %s', async (what, type) => {
    expect(await said(classOf([cached()], type))).toBe(
      `@Cacheable Cats.find.ignoreArgs: argument 1 (a ${what}) ${WRITE}, or register the class in \`codec.types\``,
    );
    expect(await said(classOf([cached({ ignoreArgs: [1] })], type))).toBe('');
    expect(await said(classOf([CacheEvict({ tags: ['cats'] }) as unknown as Decorator], type))).toBe('');
  });

  it('and no argument that may be part of one', async () => {
    const types = [Object, String, Number, Boolean, BigInt, Array, Date, Map, Set, RegExp, URL, Buffer, Uint8Array];
    for (const type of [...types, ListDto, undefined]) expect(await said(classOf([cached()], type))).toBe('');
    const kinds: readonly (readonly [Decorator, unknown])[] = [
      [route, Param()],
      [ResolveField(() => String) as Decorator, Parent()],
      [Query(() => String) as Decorator, Context('tenant')],
      [SubscribeMessage('cats') as Decorator, MessageBody()],
      [MessagePattern('cats') as Decorator, Payload()],
    ];
    for (const [handler, ofParameter] of kinds)
      expect(await said(classOf([handler, cached()], Object, ofParameter as Decorator))).toBe('');
  });

  it('nor one that is, or may be, of a registered class', async () => {
    const toJSON = (it: Secret): number => it.cents;
    const types = [{ type: Price, toKey: toJSON, toJSON, fromJSON: () => new Price() }];
    for (const type of [Secret, Price]) expect(await said(classOf([cached()], type), { codec: { types } })).toBe('');
    expect(await said(classOf([cached()], Feed), { codec: { types: [Feed] } })).toBe('');
  });
});

it('a function is warned of once: the compiler notes the same of classes that are imported as types', async () => {
  const evict = CacheEvict({ method: 'find' } as never) as unknown as Decorator;
  const text = await said(classOf([evict, cached()], Function));
  expect(text.split('\n')).toHaveLength(1);
  expect(text).toMatch(
    /Argument 1 of @Cacheable Cats\.find is declared as a function, .* with `import type`: import that without `type`, or write ignoreArgs: \[1\]/,
  );
});

it('is found by the decorators themselves', async () => {
  @Controller()
  class Routes {
    @Get()
    @Cacheable()
    async whole(@Req() request: Socket): Promise<string> {
      return String(request.destroyed);
    }
  }
  const { module } = await start({}, Routes);
  await expect(module.init()).rejects.toThrow(
    '@Cacheable Routes.whole.ignoreArgs: argument 0 (@Req()) cannot be part of a key',
  );
});
