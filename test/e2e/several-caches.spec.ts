/** Two caches in one application, of which one says who is asking: what the other keeps is kept apart as well. */
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, jest, describe } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Module,
  Param,
  UseInterceptors,
  type CallHandler,
  type DynamicModule,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Observable } from 'rxjs';
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

/** Requests go on in the callback of the one that leaves. */
@Injectable()
class WaitingInterceptor implements NestInterceptor {
  private readonly waiting: (() => void)[] = [];
  private isTaken = false;

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return new Observable((subscriber) => {
      const enter = (): void => {
        this.isTaken = true;
        subscriber.add(() => {
          this.isTaken = false;
          this.waiting.shift()?.();
        });
        next.handle().subscribe(subscriber);
      };
      if (this.isTaken) this.waiting.push(enter);
      else enter();
    });
  }
}

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

  /** For whom each cache acts: in the request, in a load of the other, and in a scope that one of them puts on. */
  @Get('whose')
  @UseInterceptors(WaitingInterceptor)
  async whose(): Promise<unknown[]> {
    const { cache, sessions } = this;
    const both = (): Promise<unknown[]> =>
      Promise.all([cache, sessions].map((each) => each.getOrSet(`t${++this.n}`, ({ scope }) => scope.tenant)));
    return [
      await both(),
      await sessions.tenant('other').getOrSet(String(++this.n), both),
      await cache.runInScope({ tenant: 'third' }, both),
    ];
  }

  private n = 0;
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

type Ask = (path: string, tenant: string) => Promise<string>;

async function listen(caches: DynamicModule[], platform: keyof typeof adapters): Promise<Ask> {
  @Module({ imports: caches, controllers: [ShopController] })
  class ShopModule {}
  const built = await Test.createTestingModule({ imports: [ShopModule] })
    .setLogger(new KeptLog())
    .compile();
  const app = built.createNestApplication(adapters[platform]());
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return async (path, tenant) => {
    const headers = { 'x-tenant': tenant, 'x-region': `${tenant}-region` };
    return (await fetch(`http://127.0.0.1:${port}/${path}`, { headers })).text();
  };
}

describe.each(Object.keys(adapters) as (keyof typeof adapters)[])('on %s', (platform) => {
  it.each(Object.keys(resolvers))('requests of two tenants do not meet in either cache, by %s', async (by) => {
    const scope = { resolve: resolvers[by]! };
    for (const caches of [
      [CacheModule.forRoot({ scope }), CacheModule.forRoot({ name: 'sessions' })],
      [CacheModule.forRoot(), CacheModule.forRootAsync({ name: 'sessions', useFactory: () => ({ scope }) })],
    ]) {
      const ask = await listen(caches, platform);
      await ask('put/acme', 'acme');
      expect(JSON.parse(await ask('see', 'globex'))).toEqual([null, null]);
      expect(JSON.parse(await ask('see', 'acme'))).toEqual(['acme', 'acme']);
      expect(JSON.parse(await ask('load/acme', 'acme'))).toEqual(['acme', 'acme']);
      expect(JSON.parse(await ask('load/globex', 'globex'))).toEqual(['globex', 'globex']);
      expect(await ask('put/x', '')).toContain('500');
    }
  });

  const regions: Record<string, ScopeResolver> = {
    'a resolver that only reads': fromHeader('x-region', { trusted: true }),
    'a function': fromRequest(({ headers }: RequestLike) => ({ tenant: headers?.['x-region'] as string })),
  };
  const ways = Object.keys(resolvers).flatMap((one) => Object.keys(regions).map((other) => [one, other] as const));

  it.each(ways)('each cache finds out by itself whose a request is, by %s and by %s', async (one, other) => {
    const [main, sessions] = [{ scope: { resolve: resolvers[one]! } }, { scope: { resolve: regions[other]! } }];
    const ask = await listen(
      [CacheModule.forRoot(main), CacheModule.forRoot({ name: 'sessions', ...sessions })],
      platform,
    );
    const tenants = Array.from({ length: 6 }, (_, at) => `t${at % 3}`);
    const answers = await Promise.all(tenants.map((tenant) => ask('whose', tenant)));
    const inside = [
      ['other', 'other'],
      ['third', 'third'],
    ];
    expect(answers.map((answer) => JSON.parse(answer))).toEqual(
      tenants.map((tenant) => [[tenant, `${tenant}-region`], ...inside]),
    );
  });

  it('a function that caches share is asked once for all of them', async () => {
    let asked = 0;
    const resolve: ScopeResolver = async (source) => {
      asked++;
      return resolvers['a function']!(source);
    };
    const caches = [undefined, 'sessions', 'more'].map((name) => CacheModule.forRoot({ name, scope: { resolve } }));
    const ask = await listen(caches, platform);
    const tenants = ['acme', 'globex', 'acme'];
    const answers = await Promise.all(tenants.map((tenant) => ask('whose', tenant)));
    expect(answers.map((answer) => JSON.parse(answer)[0])).toEqual(tenants.map((tenant) => [tenant, tenant]));
    expect(asked).toBe(tenants.length);
  });
});
