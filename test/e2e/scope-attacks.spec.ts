/**
 * Attempts to be somebody else over HTTP: queues that let one request go on inside another, connections that carry
 * several people at once, applications that start together or not at all. Whoever asks gets their own, or nothing.
 */
import { EventEmitter } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import {
  All,
  Catch,
  Controller,
  Get,
  Head,
  Inject,
  Injectable,
  Module,
  Next,
  Options,
  Param,
  Req,
  Res,
  Scope,
  Sse,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type DynamicModule,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type MiddlewareConsumer,
  type NestInterceptor,
  type Provider,
  type Type,
} from '@nestjs/common';
import {
  APP_GUARD,
  APP_INTERCEPTOR,
  HttpAdapterHost,
  LazyModuleLoader,
  RouterModule,
} from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Observable, Subject, lastValueFrom, mergeMap, take } from 'rxjs';
import {
  CACHE_CONTEXT,
  CacheContext,
  CacheModule,
  CacheScopeInterceptor,
  CacheService,
  fromClaims,
  fromHeader,
  memory,
  type ScopeResolver,
} from '../../lib/index.js';
import { Notes, type Action, type Who } from './support/notes.js';
import { PEOPLE, proveIsolation } from './support/prove-isolation.js';
import { KeptLog } from './support/quiet.js';

// Real servers on a machine that may be busy.
jest.setTimeout(30_000);

interface Asked {
  readonly headers: Record<string, string | undefined>;
  user?: { tid?: string | undefined; sub?: string | undefined } | null | undefined;
}

const byClaims = fromClaims({ tenant: 'tid', user: 'sub' });
const [ann, bob, , eve] = PEOPLE;
const ids = ({ tenant, user }: Who): object => ({ t: tenant, u: user });

/** Lets one through at a time; whoever waits is let go on by the one who leaves, inside of *their* request. */
class Turnstile {
  private isTaken = false;
  private readonly waiting: (() => void)[] = [];

  enter(go: () => void): void {
    if (this.isTaken) { this.waiting.push(go); return; }
    this.isTaken = true;
    go();
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.isTaken = false;
    else next();
  }
}

@Injectable()
class QueueInterceptor implements NestInterceptor {
  private readonly turnstile = new Turnstile();

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return new Observable((subscriber) => {
      this.turnstile.enter(() => next.handle().subscribe(subscriber));
      return () => this.turnstile.leave();
    });
  }
}

@Injectable()
class TokenGuard implements CanActivate {
  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<Asked>();
    if (execution.getType() !== 'http') return true;
    await pause(1);
    const [tid, sub] = (request.headers['authorization'] ?? '').split('/');
    request.user = { tid: tid || undefined, sub: sub || undefined };
    return true;
  }
}

@Controller('notes')
class NotesController {
  constructor(private readonly notes: Notes) {}

  @Get(':action/:key')
  act(@Param('action') action: Action, @Param('key') key: string): Promise<unknown> {
    return this.notes.act(action, key).then((seen) => seen ?? null);
  }
}

interface Parts {
  readonly resolve?: ScopeResolver;
  readonly before?: Provider[];
  readonly providers?: Provider[];
  readonly controllers?: Type[];
  readonly imports?: (Type | DynamicModule)[];
  readonly configure?: (consumer: MiddlewareConsumer) => void;
}

function moduleOf({ resolve = byClaims, before = [], providers = [], controllers = [], imports = [], configure }: Parts): Type {
  @Module({ providers: before })
  class BeforeModule {}
  @Module({
    imports: [BeforeModule, CacheModule.forRoot({ backend: memory(), scope: { resolve } }), ...imports],
    controllers: [NotesController, ...controllers],
    providers: [Notes, { provide: APP_GUARD, useClass: TokenGuard }, ...providers],
    exports: [Notes],
  })
  class AttackedModule {
    configure(consumer: MiddlewareConsumer): void {
      configure?.(consumer);
    }
  }
  return AttackedModule;
}

const adapters = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() };
type Platform = keyof typeof adapters;

async function create(platform: Platform, parts: Parts): Promise<INestApplication> {
  const built = await Test.createTestingModule({ imports: [moduleOf(parts)] })
    .setLogger(new KeptLog())
    .compile();
  return built.createNestApplication(adapters[platform]() as ExpressAdapter);
}

async function listen(platform: Platform, parts: Parts): Promise<INestApplication> {
  const app = await create(platform, parts);
  await app.listen(0, '127.0.0.1');
  return app;
}

const portOf = (app: INestApplication): number => (app.getHttpServer().address() as AddressInfo).port;

async function ask(app: INestApplication, path: string, who: Who = {}, init: RequestInit = {}): Promise<unknown> {
  const headers = { authorization: `${who.tenant ?? ''}/${who.user ?? ''}`, ...(init.headers as object) };
  const response = await fetch(`http://127.0.0.1:${portOf(app)}/${path}`, { ...init, headers });
  const body = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${body}`);
  return body.startsWith('{') ? JSON.parse(body) : body;
}

const everybody = (app: INestApplication, path: string, init?: RequestInit): Promise<unknown[]> =>
  Promise.all(PEOPLE.map((who) => ask(app, path, who, init)));

describe.each(['express', 'fastify'] as const)('on %s', (platform) => {
  it('a queue in an interceptor of the application', async () => {
    const app = await listen(platform, { before: [{ provide: APP_INTERCEPTOR, useClass: QueueInterceptor }] });
    expect(await everybody(app, 'notes/mine/k')).toEqual(PEOPLE.map((who) => expect.objectContaining(ids(who))));
    await app.close();
  });

  it('a queue in an interceptor of the application behind', async () => {
    const app = await listen(platform, { providers: [{ provide: APP_INTERCEPTOR, useClass: QueueInterceptor }] });
    expect(await everybody(app, 'notes/mine/k')).toEqual(PEOPLE.map((who) => expect.objectContaining(ids(who))));
    await app.close();
  });

  it('a queue in an interceptor of the controller', async () => {
    @Controller('queued')
    @UseInterceptors(QueueInterceptor)
    class QueuedController extends NotesController {}
    Reflect.defineMetadata('design:paramtypes', [Notes], QueuedController);
    const app = await listen(platform, { controllers: [QueuedController] });
    expect(await everybody(app, 'queued/mine/k')).toEqual(PEOPLE.map((who) => expect.objectContaining(ids(who))));
    await app.close();
  });

  it('pipelined requests', async () => {
    const middle: unknown[] = [];
    const finished: unknown[] = [];
    @Controller('pipe')
    class PipeController {
      constructor(private readonly notes: Notes, @Inject(CACHE_CONTEXT) private readonly context: CacheContext) {}
      @Get(':n')
      async get(@Req() req: Asked & {raw?: EventEmitter}, @Res({ passthrough: true }) res: EventEmitter & {raw?: EventEmitter}): Promise<unknown> {
        const user = req.user;
        (res.raw ?? res).once('finish', () => finished.push([user?.tid, this.context.scope().tenant]));
        await pause(user?.tid === 'acme' ? 30 : 1);
        return this.notes.mine('p');
      }
    }
    const app = await create(platform, {
      controllers: [PipeController],
      configure: (consumer) => {
        consumer
          .apply((_: unknown, __: unknown, next: () => void) => {
            middle.push(app.get<CacheContext>(CACHE_CONTEXT).scope().tenant);
            next();
          })
          .forRoutes(PipeController);
      },
    });
    await app.listen(0, '127.0.0.1');
    const socket = connect(portOf(app), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    const all = [ann, eve, bob, eve, ann, eve];
    for (const who of all) socket.write(`GET /pipe/1 HTTP/1.1\r\nHost: x\r\nAuthorization: ${who.tenant}/${who.user}\r\n\r\n`);
    while ((text.match(/"n":/g) ?? []).length < all.length) await pause(10);
    socket.destroy();
    console.log(platform, middle, finished, text.match(/\{.*\}/g));
    await app.close();
  });

  it('sse of a subject', async () => {
    const subject = new Subject<void>();
    @Controller('sse')
    class SseController {
      constructor(private readonly notes: Notes, @Inject(CACHE_CONTEXT) private readonly context: CacheContext) {}
      @Sse('events')
      events(): Observable<{ data: object }> {
        return subject.pipe(take(1), mergeMap(async () => ({ data: { note: await this.notes.mine('sse') } })));
      }
      @Get('push')
      push(): string { subject.next(); return 'x'; }
    }
    const app = await listen(platform, { controllers: [SseController] });
    const stream = ask(app, 'sse/events', ann);
    await pause(100);
    await ask(app, 'sse/push', eve);
    console.log(platform, await stream);
    await app.close();
  });

  it('next to a pooled late middleware', async () => {
    @Controller('late')
    class LateController {
      @Get() go(@Next() next: () => void): void { next(); }
    }
    const app = await create(platform, { controllers: [LateController], resolve: fromHeader('x-tenant', { trusted: true }) });
    await app.init();
    (app.getHttpAdapter().getInstance() as any).router?.stack?.splice(-2);
    if (platform === 'express') {
      let waiting: (() => void)[] = [];
      const instance = app.getHttpAdapter().getInstance();
      const pooled = (_: unknown, __: unknown, next: () => void) => {
        waiting.push(next);
        if (waiting.length < PEOPLE.length) return;
        const all = waiting; waiting = [];
        setImmediate(() => all.forEach((go) => go()));
      };
      instance.use('/late', pooled);
      instance.get('/late', (req: any, res: any) => res.send({ asked: req.headers['x-tenant'], got: app.get<CacheContext>(CACHE_CONTEXT).scope().tenant }));
    }
    await app.listen(0, '127.0.0.1');
    if (platform === 'express')
    console.log(await Promise.all(['a', 'b', 'c', 'd'].map((t) => ask(app, 'late', {}, { headers: { 'x-tenant': t } }))));
    await app.close();
  });
});
