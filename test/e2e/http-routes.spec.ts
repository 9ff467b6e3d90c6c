/**
 * Resolvers that only read the request are asked when a cache call wants to know, and no interceptor stands in the way of
 * the routes. What must not change by that: which caller sees what, and when none sees anything.
 */
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  Body,
  Controller,
  ForbiddenException,
  Get,
  Inject,
  Injectable,
  Module,
  Param,
  Post,
  Req,
  Scope,
  Sse,
  UseGuards,
  Version,
  VersioningType,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type MiddlewareConsumer,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { interval, mergeMap, take, type Observable } from 'rxjs';
import {
  CACHE_CONTEXT,
  type CacheContext,
  CacheEvict,
  CacheModule,
  CacheScopeInterceptor,
  CacheService,
  fromClaims,
  fromHeader,
  fromRequest,
  getCacheToken,
  memory,
  type ScopeResolver,
} from '../../lib/index.js';
import { Notes, type Action, type Seen, type Who } from './support/notes.js';
import { PEOPLE, proveIsolation } from './support/prove-isolation.js';
import { KeptLog } from './support/quiet.js';

// Real servers on a machine that may be busy.
jest.setTimeout(30_000);

interface Asked {
  readonly headers: Record<string, string | undefined>;
  user?: { tid?: string | undefined; sub?: string | undefined } | null | undefined;
}

const requestOf = (execution: ExecutionContext): Asked => execution.switchToHttp().getRequest<Asked>();

/** What a call of the cache comes to, in words. */
async function outcome(work: () => Promise<unknown>): Promise<unknown> {
  return work().catch((error: Error) => error.name);
}

/** Believes the token, and looks at the cache before and after. */
@Injectable()
class LookingGuard implements CanActivate {
  readonly before: unknown[] = [];
  readonly after: unknown[] = [];

  constructor(private readonly notes: Notes) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = requestOf(execution);
    this.before.push(await outcome(() => this.notes.board('guard')));
    const [tid, sub] = (request.headers['authorization'] ?? '').split('/');
    request.user = { tid: tid || undefined, sub: sub || undefined };
    this.after.push(await outcome(() => this.notes.board('guard')));
    return true;
  }
}

/** The second guard knows better than the first. */
@Injectable()
class ImpersonatingGuard implements CanActivate {
  canActivate(execution: ExecutionContext): boolean {
    const request = requestOf(execution);
    const [tid, sub] = (request.headers['x-act-as'] ?? '').split('/');
    request.user = { tid, sub };
    return true;
  }
}

@Controller('notes')
@UseGuards(LookingGuard)
class NotesController {
  constructor(private readonly notes: Notes) {}

  @Get(':action/:key')
  act(@Param('action') action: Action, @Param('key') key: string): Promise<unknown> {
    return this.notes.act(action, key).then((seen) => seen ?? null);
  }
}

@Controller('routes')
@UseGuards(LookingGuard)
class RoutesController {
  readonly leftBehind: unknown[] = [];

  constructor(
    private readonly notes: Notes,
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
    @Inject(getCacheToken('regions')) private readonly regions: CacheService,
  ) {}

  @Get('as')
  @UseGuards(ImpersonatingGuard)
  as(): Promise<unknown> {
    return this.notes.mine('as');
  }

  @Post('posted')
  async posted(@Body() body: object): Promise<unknown> {
    return { body, seen: await this.notes.mine('posted') };
  }

  @Get('version')
  @Version('1')
  async first(): Promise<unknown> {
    return { version: 1, ...(await this.notes.mine('first')) };
  }

  @Get('version')
  @Version('2')
  async second(): Promise<unknown> {
    return { version: 2, ...(await this.notes.mine('second')) };
  }

  @Get('regions')
  async both(): Promise<unknown> {
    const region = await this.regions.getOrSet('name', async ({ scope }) => scope.tenant);
    return { region, tenant: (await this.notes.board('both')).t };
  }

  @Get('failing')
  async failing(): Promise<never> {
    const { t } = await this.notes.board('failing');
    throw new ForbiddenException(`not for ${t}`);
  }

  @Get('behind')
  behind(@Req() request: Asked): object {
    const later = async (): Promise<void> => {
      await pause(20);
      this.leftBehind.push((await this.notes.mine('behind')).t);
      request.user = null;
      this.leftBehind.push(await outcome(() => this.notes.mine('behind')));
    };
    void later();
    return {};
  }

  @Get('leave')
  async leave(@Req() request: Asked): Promise<unknown> {
    const before = await this.notes.mine('leave');
    await this.signOut(request, 'leave');
    const { tid, sub } = { tid: before.t, sub: before.u };
    request.user = { tid, sub };
    return { before: before.n, after: (await this.notes.mine('leave')).n };
  }

  @CacheEvict({ namespace: 'Notes.mine', scope: 'user', key: (_request: unknown, key: string) => key })
  async signOut(request: Asked, _key: string): Promise<void> {
    request.user = null;
  }

  @Sse('events')
  events(): Observable<{ data: object }> {
    return interval(5).pipe(
      take(3),
      mergeMap(async () => ({ data: { ...this.context.scope(), note: await this.notes.mine('sse') } })),
    );
  }
}

@Controller({ path: 'per-request', scope: Scope.REQUEST })
@UseGuards(LookingGuard)
class PerRequestController {
  constructor(private readonly notes: Notes) {}

  @Get()
  mine(): Promise<unknown> {
    return this.notes.mine('per-request');
  }
}

const byClaims = fromClaims({ tenant: 'tid', user: 'sub' });
const byRegion = fromHeader('x-region', { trusted: true });

/** Like an old session store: the request that comes last goes on for all that wait. */
function pooled(): (request: Asked, response: unknown, next: () => void) => void {
  let waiting: (() => void)[] = [];
  return ({ headers }, _, next) => {
    if (headers['x-pooled'] === undefined) return next();
    waiting.push(next);
    if (waiting.length < PEOPLE.length) return;
    const all = waiting;
    waiting = [];
    setImmediate(() => all.forEach((go) => go()));
  };
}

function moduleOf(resolve: ScopeResolver, isGlobal = true): new () => object {
  const caches = [
    CacheModule.forRoot({ backend: memory(), scope: { resolve }, isGlobal }),
    CacheModule.forRoot({ name: 'regions', backend: memory(), scope: { resolve: byRegion }, isGlobal }),
  ];
  @Module({
    imports: caches,
    controllers: [NotesController, RoutesController, PerRequestController],
    providers: [Notes, LookingGuard],
  })
  class RoutesModule {
    configure(consumer: MiddlewareConsumer): void {
      consumer.apply(pooled()).forRoutes('{*path}');
    }
  }
  return RoutesModule;
}

const adapters = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() };
type Platform = keyof typeof adapters;
const intercept = jest.spyOn(CacheScopeInterceptor.prototype, 'intercept');
afterEach(() => void intercept.mockClear());

async function listen(platform: Platform, module: new () => object): Promise<INestApplication> {
  const built = await Test.createTestingModule({ imports: [module] })
    .setLogger(new KeptLog())
    .compile();
  const app = built.createNestApplication(adapters[platform]() as ExpressAdapter);
  app.setGlobalPrefix('api');
  app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' });
  await app.listen(0, '127.0.0.1');
  return app;
}

async function ask(app: INestApplication, path: string, who: Who = {}, init: RequestInit = {}): Promise<unknown> {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const headers = { authorization: `${who.tenant ?? ''}/${who.user ?? ''}`, ...(init.headers as object) };
  const response = await fetch(`http://127.0.0.1:${port}/api/${path}`, { ...init, headers });
  const body = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${body}`);
  return body.startsWith('{') ? JSON.parse(body) : body;
}

describe.each(['express', 'fastify'] as const)('routes on %s', (platform) => {
  const [ann, bob, , eve] = PEOPLE;
  let app: INestApplication;

  beforeAll(async () => void (app = await listen(platform, moduleOf(byClaims))));
  afterAll(() => app.close());

  it('keep two tenants and two users apart, and fail closed without a scope, with no interceptor', async () => {
    await proveIsolation((who, action, key) => ask(app, `notes/${action}/${key}`, who));
    expect(intercept).not.toHaveBeenCalled();
  });

  it('believe what guards have proven: nobody before them, and whatever the last of them says after', async () => {
    const acting = { headers: { 'x-act-as': 'globex/bob' } };
    expect(await ask(app, 'routes/as', ann, acting)).toMatchObject({ t: 'globex', u: 'bob' });
    expect(await ask(app, 'notes/mine/as', ann)).toMatchObject({ t: 'acme', u: 'ann' });
  });

  it('are entered behind every middleware: a callback in another’s request goes on with its own', async () => {
    const headers = { 'x-pooled': 'yes' };
    const seen = await Promise.all(PEOPLE.map((who) => ask(app, 'notes/mine/pooled', who, { headers })));
    expect(seen).toEqual(PEOPLE.map(({ tenant, user }) => expect.objectContaining({ t: tenant, u: user })));
  });

  it('have it when a body was read first', async () => {
    const post = { method: 'POST', body: '{"cat":"tom"}', headers: { 'content-type': 'application/json' } };
    const [mine, hers] = await Promise.all([ann, eve].map((who) => ask(app, 'routes/posted', who, post)));
    expect(mine).toMatchObject({ body: { cat: 'tom' }, seen: { t: 'acme', u: 'ann' } });
    expect(hers).toMatchObject({ body: { cat: 'tom' }, seen: { t: 'globex', u: 'bob' } });
  });

  it('keep their versions', async () => {
    for (const version of ['1', '2']) {
      const init = { headers: { 'x-version': version } };
      expect(await ask(app, 'routes/version', ann, init)).toMatchObject({ version: Number(version), t: 'acme' });
    }
  });

  it('know who is asking each of two caches', async () => {
    const from = (region: string, who: Who): Promise<unknown> =>
      ask(app, 'routes/regions', who, { headers: { 'x-region': region } });
    expect(await Promise.all([from('eu', ann), from('us', ann), from('eu', eve)])).toEqual([
      { region: 'eu', tenant: 'acme' },
      { region: 'us', tenant: 'acme' },
      { region: 'eu', tenant: 'globex' },
    ]);
    await expect(ask(app, 'routes/regions', ann)).rejects.toThrow('500');
  });

  it('leave nothing behind when they fail', async () => {
    await expect(ask(app, 'routes/failing', ann)).rejects.toThrow('403 {"message":"not for acme"');
    await expect(ask(app, 'routes/failing', eve)).rejects.toThrow('403 {"message":"not for globex"');
    await expect(ask(app, 'routes/failing')).rejects.toThrow('500');
  });

  it('keep the scope in what goes on after the answer, as long as the request says so', async () => {
    const { leftBehind } = app.get(RoutesController);
    await ask(app, 'routes/behind', ann);
    while (leftBehind.length < 2) await pause(5);
    expect(leftBehind).toEqual(['acme', 'ScopeMissingError']);
  });

  it('evict for whom the call began, though its method signs them out', async () => {
    const { before, after } = (await ask(app, 'routes/leave', bob)) as { before: number; after: number };
    expect(after).toBeGreaterThan(before);
  });

  it('keep it in every tick of a stream, and in controllers made for a request', async () => {
    const [mine, hers] = (await Promise.all([ann, eve].map((who) => ask(app, 'routes/events', who)))) as string[];
    expect(mine!.match(/"tenant":"acme","user":"ann","note":\{"t":"acme","u":"ann"/g)).toHaveLength(3);
    expect(hers!.match(/"tenant":"globex","user":"bob","note":\{"t":"globex","u":"bob"/g)).toHaveLength(3);
    for (const who of PEOPLE) {
      expect(await ask(app, 'per-request', who)).toMatchObject({ t: who.tenant, u: who.user });
    }
    await expect(ask(app, 'per-request')).rejects.toThrow('500');
  });
});

describe('guards', () => {
  it('that look at the cache find nobody until somebody is recognised, and change nothing for the handler', async () => {
    const app = await listen('express', moduleOf(byClaims));
    const guards = await Promise.all(PEOPLE.map((who) => ask(app, 'notes/board/guard', who)));
    expect(guards).toEqual(PEOPLE.map(({ tenant }) => expect.objectContaining({ t: tenant })));
    const { before, after } = app.get(LookingGuard);
    expect(before).toEqual(PEOPLE.map(() => 'ScopeMissingError'));
    expect(after).toEqual(expect.arrayContaining(guards));
    expect(new Set((after as Seen[]).map(({ t }) => t))).toEqual(new Set(['acme', 'globex']));
    await app.close();
  });
});

describe('the interceptor', () => {
  const [ann] = PEOPLE;

  it('is still there for a function of the application, which is asked once per request, after the guards', async () => {
    const asked: unknown[] = [];
    const resolve = fromRequest<Asked>(async ({ user }) => {
      asked.push(user?.tid);
      return { tenant: user?.tid, user: user?.sub };
    });
    const app = await listen('fastify', moduleOf(resolve));
    await proveIsolation((who, action, key) => ask(app, `notes/${action}/${key}`, who));
    asked.length = 0;
    await ask(app, 'routes/behind', ann);
    expect(asked).toEqual(['acme']);
    await app.close();
  });

  it('is still there where the module is not global: the hooks of others may come before its own', async () => {
    const app = await listen('express', moduleOf(byClaims, false));
    await proveIsolation((who, action, key) => ask(app, `notes/${action}/${key}`, who));
    expect(intercept).toHaveBeenCalled();
    await app.close();
  });

  it('is still there when an application has put its own in its place', async () => {
    class Refusing extends CacheScopeInterceptor {
      override intercept(): never {
        throw new ForbiddenException('of the application');
      }
    }
    const built = await Test.createTestingModule({ imports: [moduleOf(byClaims)] })
      .overrideProvider(CacheScopeInterceptor)
      .useClass(Refusing)
      .setLogger(new KeptLog())
      .compile();
    const app = built.createNestApplication();
    app.setGlobalPrefix('api');
    await app.listen(0, '127.0.0.1');
    await expect(ask(app, 'notes/board/x', ann)).rejects.toThrow('403');
    await app.close();
  });

  it('is back once the routes are made, and routes that come later are nobody’s', async () => {
    @Injectable()
    class Late implements OnModuleInit {
      constructor(
        private readonly host: HttpAdapterHost,
        @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
      ) {}

      onModuleInit(): void {
        this.host.httpAdapter.get('/api/late', (request: Asked, response: { send(body: unknown): void }) => {
          request.user = { tid: 'acme', sub: 'ann' };
          response.send({ isNobodys: this.context.current() === undefined });
        });
      }
    }
    @Module({ imports: [moduleOf(byClaims)], providers: [Late] })
    class LateModule {}
    const app = await listen('express', LateModule);
    expect(Object.hasOwn(app.get(CacheScopeInterceptor), 'intercept')).toBe(false);
    expect(await ask(app, 'late', ann)).toEqual({ isNobodys: true });
    await app.close();
  });

  it('is not missed where there are no routes at all', async () => {
    @Module({ imports: [CacheModule.forRoot({ scope: { resolve: byClaims } })], providers: [Notes] })
    class JobsModule {}
    const app = await NestFactory.createApplicationContext(JobsModule, { logger: false });
    const notes = app.get(Notes);
    await expect(notes.board('k')).rejects.toThrow('No tenant in the current scope');
    expect(await app.get(CacheService).runInScope(ann, () => notes.mine('k'))).toMatchObject({ t: 'acme', u: 'ann' });
    await app.close();
  });
});
