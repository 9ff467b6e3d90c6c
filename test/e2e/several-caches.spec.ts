/** Two caches in one application, of which one says who is asking: what the other keeps is kept apart as well. */
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, jest, describe } from '@jest/globals';
import { Controller, Get, Module, Param, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  CacheModule,
  CacheService,
  fromHeader,
  fromRequest,
  InjectCache,
  type RequestLike,
  type ScopeResolver,
} from '../../lib/index.js';
import { KeptLog } from './support/quiet.js';

jest.setTimeout(30_000);

@Controller()
class ShopController {
  constructor(
    private readonly cache: CacheService,
    @InjectCache('sessions') private readonly sessions: CacheService,
  ) {}

  @Get('put/:value')
  async put(@Param('value') value: string): Promise<string> {
    await this.sessions.set('cart', value);
    await this.cache.set('cart', value);
    return value;
  }

  @Get('see')
  async see(): Promise<unknown[]> {
    return [(await this.sessions.get('cart')) ?? null, (await this.cache.get('cart')) ?? null];
  }

  @Get('load/:value')
  async load(@Param('value') value: string): Promise<unknown[]> {
    const loaded = await this.sessions.getOrSet('loaded', async () => value);
    return [loaded, await this.sessions.namespace('n').getOrSet('loaded', async () => value)];
  }
}

const apps: INestApplication[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

const resolvers: Record<string, ScopeResolver> = {
  'a resolver that only reads': fromHeader('x-tenant', { trusted: true }),
  'a function': fromRequest(({ headers }: RequestLike) => ({ tenant: headers?.['x-tenant'] as string })),
};
const adapters = {
  express: () => new ExpressAdapter(),
  fastify: () => new FastifyAdapter() as unknown as ExpressAdapter,
};

describe.each(Object.keys(adapters) as (keyof typeof adapters)[])('on %s', (platform) => {
  it.each(Object.keys(resolvers))('requests of two tenants do not meet in either cache, by %s', async (by) => {
    const scope = { resolve: resolvers[by]! };
    for (const caches of [
      [CacheModule.forRoot({ scope }), CacheModule.forRoot({ name: 'sessions' })],
      [CacheModule.forRoot(), CacheModule.forRootAsync({ name: 'sessions', useFactory: () => ({ scope }) })],
    ]) {
      @Module({ imports: caches, controllers: [ShopController] })
      class ShopModule {}
      const built = await Test.createTestingModule({ imports: [ShopModule] })
        .setLogger(new KeptLog())
        .compile();
      const app = built.createNestApplication(adapters[platform]());
      apps.push(app);
      await app.listen(0, '127.0.0.1');
      const { port } = app.getHttpServer().address() as AddressInfo;
      const ask = async (path: string, tenant: string): Promise<string> =>
        (await fetch(`http://127.0.0.1:${port}/${path}`, { headers: { 'x-tenant': tenant } })).text();
      await ask('put/acme', 'acme');
      expect(JSON.parse(await ask('see', 'globex'))).toEqual([null, null]);
      expect(JSON.parse(await ask('see', 'acme'))).toEqual(['acme', 'acme']);
      expect(JSON.parse(await ask('load/acme', 'acme'))).toEqual(['acme', 'acme']);
      expect(JSON.parse(await ask('load/globex', 'globex'))).toEqual(['globex', 'globex']);
      expect(await ask('put/x', '')).toContain('500');
    }
  });
});
