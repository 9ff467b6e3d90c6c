/**
 * Attempts to be another user over HTTP: queues that let one request go on inside another, connections that carry
 * several users at once, applications that start together or not at all. Each request gets its own, or nothing.
 */
import { connect, type AddressInfo, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import {
  All,
  Catch,
  Controller,
  ForbiddenException,
  Get,
  Head,
  Inject,
  Injectable,
  Module,
  Next,
  Options,
  Param,
  Res,
  Scope,
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
  type OnModuleInit,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, HttpAdapterHost, LazyModuleLoader } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { lastValueFrom, Observable } from 'rxjs';
import {
  CACHE_CONTEXT,
  type CacheContext,
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
import { Notes, type Action, type Who } from './support/notes.js';
import { PEOPLE } from './support/prove-isolation.js';
import { KeptLog } from './support/quiet.js';

// Real servers on a machine that may be busy.
jest.setTimeout(30_000);

interface Asked {
  readonly headers: Record<string, string | undefined>;
  user?: { tid?: string | undefined; sub?: string | undefined } | null | undefined;
}

const byClaims = fromClaims({ tenant: 'tid', user: 'sub' });
const ids = ({ tenant, user }: Who): object => ({ t: tenant, u: user });

/** Lets one through at a time; a request that waits is let go on by the one that leaves, inside of *that* one. */
class Turnstile {
  private isTaken = false;
  private readonly waiting: (() => void)[] = [];

  enter(go: () => void): void {
    if (this.isTaken) {
      this.waiting.push(go);
      return;
    }
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
    if (execution.getType() === 'rpc') {
      execution.switchToRpc().getContext<{ user?: unknown }>().user = execution.switchToRpc().getData<unknown>();
      return true;
    }
    const request = execution.switchToHttp().getRequest<Asked>();
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
  readonly configure?: (consumer: MiddlewareConsumer) => void | Promise<void>;
  readonly start?: (app: INestApplication) => void;
}

function moduleOf({
  resolve = byClaims,
  before = [],
  providers = [],
  controllers = [],
  imports = [],
  configure,
}: Parts): Type {
  @Module({ providers: before })
  class BeforeModule {}
  @Module({
    imports: [BeforeModule, CacheModule.forRoot({ backend: memory(), scope: { resolve } }), ...imports],
    controllers: [NotesController, ...controllers],
    providers: [Notes, { provide: APP_GUARD, useClass: TokenGuard }, ...providers],
    exports: [Notes],
  })
  class AttackedModule {
    async configure(consumer: MiddlewareConsumer): Promise<void> {
      await configure?.(consumer);
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
  parts.start?.(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

const tcp = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } } as const;
const portOf = (app: INestApplication): number => (app.getHttpServer().address() as AddressInfo).port;

const urlOf = (app: INestApplication): string => `http://127.0.0.1:${portOf(app)}`;

async function ask(app: INestApplication, path: string, who: Who = {}, init: RequestInit = {}): Promise<unknown> {
  const headers = { authorization: `${who.tenant ?? ''}/${who.user ?? ''}`, ...(init.headers as object) };
  const response = await fetch(`${urlOf(app)}/${path}`, { ...init, headers });
  const body = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${body}`);
  return body.startsWith('{') ? JSON.parse(body) : body;
}

const everybody = (app: INestApplication, path: string, init?: RequestInit): Promise<unknown[]> =>
  Promise.all(PEOPLE.map((who) => ask(app, path, who, init)));

const own = PEOPLE.map((who) => expect.objectContaining(ids(who)));

@Controller({ path: 'queued-anew', scope: Scope.REQUEST })
@UseInterceptors(QueueInterceptor)
class QueuedAnewController extends NotesController {
  constructor(notes: Notes) {
    super(notes);
  }

  /** Both a route and a message. */
  @Get('both')
  @MessagePattern('both')
  both(): Promise<unknown> {
    return this.act('mine', 'both');
  }
}

@Controller('queued')
@UseInterceptors(QueueInterceptor)
class QueuedController extends NotesController {
  constructor(notes: Notes) {
    super(notes);
  }
}

/** Answers with whom it runs for, in every way in which a route can be said. */
@Controller('ways')
class WaysController {
  constructor(private readonly notes: Notes) {}

  @All('all')
  all(): Promise<unknown> {
    return this.notes.mine('all');
  }

  @Options('options')
  options(): Promise<unknown> {
    return this.notes.mine('options');
  }

  @Head('head')
  async head(@Res({ passthrough: true }) response: { header(name: string, value: string): void }): Promise<void> {
    const { t, u } = await this.notes.mine('head');
    response.header('x-seen', `${t}/${u}`);
  }

  @Get('next')
  next(@Next() next: () => void): void {
    next();
  }

  @Get('refused')
  async refused(): Promise<never> {
    await pause(1);
    throw new ForbiddenException();
  }

  @MessagePattern('mine')
  message(): Promise<unknown> {
    return this.notes.mine('message');
  }
}

@Controller({ path: 'per-request', scope: Scope.REQUEST })
class PerRequestController extends NotesController {
  constructor(notes: Notes) {
    super(notes);
  }
}

/** Asks the cache when the handler has failed. */
@Catch(ForbiddenException)
class AskingFilter implements ExceptionFilter {
  constructor(
    private readonly notes: Notes,
    private readonly host: HttpAdapterHost,
  ) {}

  async catch(_: unknown, host: ArgumentsHost): Promise<void> {
    this.host.httpAdapter.reply(host.switchToHttp().getResponse(), await this.notes.mine('filter'), 200);
  }
}

/** Asks the cache before the handler does. */
@Injectable()
class AskingInterceptor implements NestInterceptor {
  readonly seen: unknown[] = [];

  constructor(private readonly notes: Notes) {}

  async intercept(execution: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    if (execution.getType() === 'http') this.seen.push(await this.notes.mine('interceptor'));
    return next.handle();
  }
}

const asking: Provider[] = [
  AskingInterceptor,
  { provide: APP_INTERCEPTOR, useExisting: AskingInterceptor },
  { provide: APP_FILTER, useClass: AskingFilter },
];

/** What waits until all requests are there, and goes on in the request of the last. */
function gathering(): (request: unknown, response: unknown, next: () => void) => void {
  let waiting: (() => void)[] = [];
  return (_request, _response, next) => {
    waiting.push(next);
    if (waiting.length < PEOPLE.length) return;
    const all = waiting;
    waiting = [];
    setImmediate(() => all.forEach((go) => go()));
  };
}

async function pipelined(app: INestApplication, path: string, people: readonly Who[]): Promise<unknown[]> {
  const socket = connect(portOf(app), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  for (const { tenant, user } of people)
    socket.write(`GET /${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${tenant}/${user}\r\n\r\n`);
  const answers = (): readonly string[] => text.match(/\{"t":.*?\}/g) ?? [];
  while (answers().length < people.length) await pause(5);
  socket.destroy();
  return answers().map((answer) => JSON.parse(answer) as unknown);
}

describe.each(['express', 'fastify'] as const)('on %s', (platform) => {
  const queue = { provide: APP_INTERCEPTOR, useClass: QueueInterceptor };

  it.each([
    ['before the cache', 'notes', { before: [queue] }],
    ['behind the cache', 'notes', { providers: [queue] }],
    ['of the application object', 'notes', { start: (app) => app.useGlobalInterceptors(new QueueInterceptor()) }],
    ['of a controller', 'queued', { controllers: [QueuedController] }],
    ['of a controller per request', 'queued-anew', { controllers: [QueuedAnewController] }],
  ] as [string, string, Parts][])('a queue %s lets everybody go on as themselves', async (_, path, parts) => {
    const app = await listen(platform, parts);
    expect(await everybody(app, `${path}/mine/k`)).toEqual(own);
    expect(await everybody(app, `${path}/verbMine/k`)).toEqual(own);
    await app.close();
    expect(Reflect.getMetadata('__interceptors__', NotesController.prototype.act)).toBeUndefined();
  });

  it('pipelined requests of one connection have their own scopes, and middleware between them none', async () => {
    const between: unknown[] = [];
    const app = await listen(platform, {
      configure: (consumer) =>
        void consumer
          .apply((_request: unknown, _response: unknown, next: () => void) => {
            between.push(app.get<CacheContext>(CACHE_CONTEXT).current());
            next();
          })
          .forRoutes(NotesController),
    });
    const people = [...PEOPLE, ...PEOPLE].reverse();
    expect(await pipelined(app, 'notes/mine/k', people)).toEqual(
      people.map((who) => expect.objectContaining(ids(who))),
    );
    expect(between).toEqual(people.map(() => undefined));
    await app.close();
  });

  it('every kind of route, filters and interceptors know who is asking', async () => {
    const app = await listen(platform, {
      controllers: [WaysController, PerRequestController],
      providers: asking,
    });
    for (const [path, method] of [
      ['ways/all', 'PATCH'],
      ['ways/options', 'OPTIONS'],
      ['ways/refused', 'GET'],
      ['per-request/mine/k', 'GET'],
    ] as const)
      expect([path, await everybody(app, path, { method })]).toEqual([path, own]);
    const heads = PEOPLE.map(async ({ tenant, user }) => {
      const headers = { authorization: `${tenant}/${user}` };
      return (await fetch(`${urlOf(app)}/ways/head`, { method: 'HEAD', headers })).headers.get('x-seen');
    });
    expect(await Promise.all(heads)).toEqual(PEOPLE.map(({ tenant, user }) => `${tenant}/${user}`));
    expect(new Set(app.get(AskingInterceptor).seen.map((seen) => JSON.stringify(seen))).size).toBe(PEOPLE.length);
    await app.close();
  });

  it('two caches ask their own resolvers, and one that was loaded late knows whom its resolver found', async () => {
    @Injectable()
    class Regions {
      constructor(@Inject(getCacheToken('regions')) readonly cache: CacheService) {}
    }
    const byRegion = fromHeader('x-region', { trusted: true });
    const cache = CacheModule.forRoot({
      name: 'regions',
      isGlobal: false,
      scope: { default: 'tenant', resolve: byRegion },
    });
    const lazy = CacheModule.forRoot({
      name: 'lazy',
      isGlobal: false,
      scope: { default: 'tenant', resolve: byClaims },
    });
    @Module({ imports: [cache], providers: [Regions], exports: [Regions] })
    class RegionsModule {}
    @Controller('both')
    class BothController {
      constructor(
        private readonly notes: Notes,
        private readonly regions: Regions,
        private readonly loader: LazyModuleLoader,
      ) {}

      @Get()
      async both(): Promise<unknown> {
        const late = (await this.loader.load(() => lazy)).get<CacheService>(getCacheToken('lazy'));
        const known = await late.getOrSet('k', ({ scope }) => scope.tenant ?? 'none');
        const region = await this.regions.cache.getOrSet('k', ({ scope }) => scope.tenant ?? 'none');
        return { ...(await this.notes.mine('both')), region, known };
      }
    }
    const app = await listen(platform, { imports: [RegionsModule], controllers: [BothController] });
    const seen = await Promise.all(
      PEOPLE.map((who, at) => ask(app, 'both', who, { headers: { 'x-region': `r${at}` } })),
    );
    expect(seen).toEqual(
      PEOPLE.map((who, at) => expect.objectContaining({ ...ids(who), region: `r${at}`, known: who.tenant })),
    );
    await app.close();
  });

  it('applications that start at once, and one that fails to, do not switch each other off', async () => {
    const failing = {
      before: [queue],
      configure: () => {
        throw new Error('half-way');
      },
    };
    const broken = await create(platform, failing);
    const apps = await Promise.all([
      listen(platform, { before: [queue] }),
      broken.init().catch((error: Error) => error.message),
      listen(platform, { resolve: fromRequest<Asked>(({ user }) => ({ tenant: user?.tid, user: user?.sub })) }),
      listen(platform, {}),
    ]);
    expect(apps[1]).toBe('half-way');
    for (const app of [apps[0], apps[2], apps[3]] as INestApplication[]) {
      expect(await everybody(app, 'notes/mine/k')).toEqual(own);
      await expect(ask(app, 'notes/mine/k')).rejects.toThrow('500');
      await app.close();
    }
    expect(Object.hasOwn(broken.get(CacheScopeInterceptor), 'intercept')).toBe(true);
    await broken.close();
    expect(Object.hasOwn(broken.get(CacheScopeInterceptor), 'intercept')).toBe(false);
    expect(Reflect.getMetadata('__interceptors__', NotesController.prototype.act)).toBeUndefined();
  });

  it('an `intercept` that was put in its place before the start stays there', async () => {
    const app = await create(platform, {});
    jest.spyOn(app.get(CacheScopeInterceptor), 'intercept').mockImplementation(() => {
      throw new ForbiddenException('of the application');
    });
    await app.listen(0, '127.0.0.1');
    await expect(ask(app, 'notes/mine/k', PEOPLE[0])).rejects.toThrow('403');
    await app.close();
  });

  it('messages of a hybrid application that inherits have theirs, connected before the routes are made or after', async () => {
    const connectService = (app: INestApplication): void =>
      void app.connectMicroservice(tcp, { inheritAppConfig: true });
    const app = await listen(platform, { controllers: [WaysController], start: connectService });
    connectService(app);
    await app.startAllMicroservices();
    const servers = app.getMicroservices().map((service) => service.unwrap<Server>());
    expect(servers).toHaveLength(2);
    for (const server of servers) {
      const { port } = server.address() as AddressInfo;
      const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
      const sent = PEOPLE.map(({ tenant: tid, user: sub }) => lastValueFrom(client.send('mine', { tid, sub })));
      expect(await Promise.all(sent)).toEqual(own);
      await expect(lastValueFrom(client.send('mine', {}))).rejects.toMatchObject({ status: 'error' });
      await client.close();
    }
    await app.close();
  });
});

describe('what is not a route of a controller', () => {
  it('has no scope of a payload that looks like a request, though its method is a route as well', async () => {
    const app = await listen('express', { controllers: [QueuedAnewController] });
    const service = app.connectMicroservice(tcp);
    await app.startAllMicroservices();
    const { port } = service.unwrap<Server>().address() as AddressInfo;
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
    const forged = client.send('both', { user: { tid: 'acme', sub: 'ann' } });
    await expect(lastValueFrom(forged)).rejects.toMatchObject({ status: 'error' });
    expect(await everybody(app, 'queued-anew/both')).toEqual(own);
    await client.close();
    await app.close();
  });

  @Injectable()
  class Later implements OnModuleInit {
    constructor(
      private readonly host: HttpAdapterHost,
      @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
    ) {}

    onModuleInit(): void {
      const { httpAdapter } = this.host;
      httpAdapter.use('/ways/next', gathering());
      httpAdapter.get('/ways/next', (_: unknown, response: { send(body: unknown): void }) => {
        response.send({ isNobodys: this.context.current() === undefined });
      });
    }
  }

  it('is nobody’s when a handler passes on to it, whoever lets whom go on', async () => {
    const app = await listen('express', { controllers: [WaysController], providers: [Later] });
    expect(await everybody(app, 'ways/next')).toEqual(PEOPLE.map(() => ({ isNobodys: true })));
    await app.close();
  });

  it('keeps its `this` when it is made while the routes are', async () => {
    const app = await create('fastify', {
      configure: async () => {
        // Others are asked meanwhile.
        await pause(1);
        app.getHttpAdapter().get('/raw', function (this: { log?: unknown } | undefined) {
          return { hasServer: typeof this?.log === 'object' };
        });
      },
    });
    await app.listen(0, '127.0.0.1');
    expect(await ask(app, 'raw')).toEqual({ hasServer: true });
    await app.close();
  });
});
