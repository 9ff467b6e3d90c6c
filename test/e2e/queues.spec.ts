/**
 * An interceptor that lets requests wait goes on inside of the one that leaves. What comes behind it, interceptors and
 * handlers, acts for its own request all the same, in every transport, however the interceptor was registered.
 */
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
  Sse,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type Provider,
  type Type,
} from '@nestjs/common';
import {
  APP_GUARD,
  APP_INTERCEPTOR,
  ContextIdFactory,
  ExternalContextCreator,
  type ContextId,
  type HostComponentInfo,
} from '@nestjs/core';
import { Field, GraphQLModule, Mutation, ObjectType, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway, type OnGatewayConnection } from '@nestjs/websockets';
import { from, lastValueFrom, mergeMap, of, type Observable } from 'rxjs';
import WebSocket from 'ws';
import {
  Cacheable,
  CACHE_CONTEXT,
  CacheModule,
  CacheScopeInterceptor,
  CacheService,
  fromClaims,
  fromRequest,
  memory,
  type CacheContext,
  type ScopeResolver,
} from '../../lib/index.js';
import { Notes, type Seen, type Who } from './support/notes.js';
import { PEOPLE } from './support/prove-isolation.js';
import { batchOf, queueOf, Turnstile } from './support/queue.js';
import { KeptLog } from './support/quiet.js';
import { NEST_MAJOR } from '../support/nest-major.js';

// Real servers on a machine that may be busy.
jest.setTimeout(60_000);

interface Asked {
  readonly headers: Record<string, string | undefined>;
  user?: unknown;
}

/** `acme/ann` */
const claimsOf = (text = ''): object => {
  const [tid, sub] = text.split('/');
  return { tid: tid || undefined, sub: sub || undefined };
};
const nameOf = ({ tenant = '', user = '' }: Who): string => `${tenant}/${user}`;

const byClaims = fromClaims({ tenant: 'tid', user: 'sub' });
const byFunction = fromRequest<Asked>(async ({ user }) => {
  const { tid, sub } = user as { tid?: string; sub?: string };
  return { tenant: tid, user: sub };
});

/** Messages say for whom they are, requests in a header; sockets and GraphQL were recognised before. */
@Injectable()
class MessageGuard implements CanActivate {
  canActivate(execution: ExecutionContext): boolean {
    const type = execution.getType<string>();
    if (type === 'rpc')
      execution.switchToRpc().getContext<Asked>().user = claimsOf(execution.switchToRpc().getData<string>());
    if (type === 'http') {
      const request = execution.switchToHttp().getRequest<Partial<Asked>>();
      if (request.headers !== undefined) request.user = claimsOf(request.headers['authorization']);
    }
    return true;
  }
}

/** Answers with what the cache says before and after the handler, too. */
@Injectable()
class LookingInterceptor implements NestInterceptor {
  constructor(private readonly notes: Notes) {}

  async intercept(_: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const before = await this.notes.mine('before');
    const looked = async (value: unknown): Promise<unknown> =>
      // An event of server-sent events, or an answer.
      [before, (value as { data?: unknown })?.data ?? value, await this.notes.mine('after')];
    return next.handle().pipe(mergeMap((value) => from(looked(value)).pipe(mergeMap((seen) => of({ data: seen })))));
  }
}

@ObjectType()
class Shelf {
  @Field(() => String)
  key!: string;
}

const Undecorated = (): void => undefined;
const scopedHere = UseInterceptors(CacheScopeInterceptor);

/** The same handlers in every transport. */
function handlersOf(decorated: ClassDecorator): Type[] {
  @Controller()
  @UseGuards(MessageGuard)
  @decorated
  class Handlers {
    constructor(private readonly notes: Notes) {}

    @Get('plain')
    plain(): Promise<unknown> {
      return this.notes.mine('plain');
    }

    @Get('looked')
    @UseInterceptors(LookingInterceptor)
    looked(): Promise<unknown> {
      return this.notes.mine('looked');
    }

    @Sse('events')
    @UseInterceptors(LookingInterceptor)
    events(): Observable<{ data: unknown }> {
      return from(this.notes.mine('events')).pipe(mergeMap((data) => of({ data })));
    }

    @MessagePattern('message')
    message(): Promise<unknown> {
      return this.notes.mine('message');
    }
  }

  @Resolver(() => Shelf)
  @decorated
  class ShelfResolver {
    constructor(private readonly notes: Notes) {}

    @Query(() => Shelf)
    async shelf(): Promise<Shelf> {
      return { key: JSON.stringify(await this.notes.mine('query')) };
    }

    @Mutation(() => Shelf)
    async change(): Promise<Shelf> {
      return { key: JSON.stringify(await this.notes.rewrite('mutation')) };
    }

    @ResolveField(() => String)
    async label(): Promise<string> {
      return JSON.stringify(await this.notes.mine('field'));
    }
  }

  // Global interceptors do not reach gateways on Nest 11, and do no harm twice.
  @WebSocketGateway()
  @decorated
  @scopedHere
  class Gateway implements OnGatewayConnection {
    constructor(private readonly notes: Notes) {}

    handleConnection(client: { user?: unknown }, request: Asked): void {
      client.user = claimsOf(request.headers['authorization']);
    }

    @SubscribeMessage('socket')
    async socket(): Promise<object> {
      return { event: 'answer', data: await this.notes.mine('socket') };
    }
  }
  return [Handlers, ShelfResolver, Gateway];
}

interface Parts {
  readonly resolve?: ScopeResolver;
  readonly decorated?: ClassDecorator;
  readonly providers?: Provider[];
  readonly controllers?: Type[];
  readonly globals?: Type<NestInterceptor>[];
  readonly withGraphql?: boolean;
  /** Interceptors of the microservice alone. */
  readonly ofMessages?: (app: INestApplication) => NestInterceptor[];
}

const adapters = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() };
type Platform = keyof typeof adapters;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Running {
  readonly app: INestApplication;
  readonly port: number;
  /** Of the messages. */
  readonly tcp: number;
}

async function start(platform: Platform, parts: Parts, inheritAppConfig = true): Promise<Running> {
  const { resolve = byClaims, decorated = Undecorated, providers = [], controllers = [], globals = [] } = parts;
  const [handlers, resolver, gateway] = handlersOf(decorated) as [Type, Type, Type];
  const graphql = GraphQLModule.forRoot<ApolloDriverConfig>({
    driver: ApolloDriver,
    autoSchemaFile: true,
    playground: false,
    csrfPrevention: false,
    fieldResolverEnhancers: ['interceptors'],
  });
  const { withGraphql = false, ofMessages } = parts;
  // A microservice that is initialised by itself makes them anew, without an adapter.
  const gateways = ofMessages === undefined ? [gateway] : [];
  @Module({
    imports: [CacheModule.forRoot({ backend: memory(), scope: { resolve } }), ...(withGraphql ? [graphql] : [])],
    controllers: [handlers, ...controllers],
    providers: [Notes, { provide: APP_GUARD, useClass: MessageGuard }, resolver, ...gateways, ...providers],
  })
  class QueuesModule {}
  const built = await Test.createTestingModule({ imports: [QueuesModule] })
    .setLogger(new KeptLog())
    .compile();
  const app = built.createNestApplication(adapters[platform]() as ExpressAdapter);
  closing.push(() => app.close());
  app.useWebSocketAdapter(new WsAdapter(app));
  app.use((request: Asked, _: unknown, next: () => void) => {
    request.user = claimsOf(request.headers['authorization']);
    next();
  });
  for (const global of globals) app.useGlobalInterceptors(new global());
  const tcp = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } } as const;
  const service = app.connectMicroservice(tcp, { inheritAppConfig, deferInitialization: ofMessages !== undefined });
  if (ofMessages !== undefined) service.useGlobalInterceptors(...ofMessages(app));
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return {
    app,
    port: (app.getHttpServer().address() as AddressInfo).port,
    tcp: (service.unwrap<Server>().address() as AddressInfo).port,
  };
}

type Ask = (running: Running, who: Who) => Promise<unknown>;

/** What comes back is one value or several, as JSON or as the event of a stream. */
function valuesIn(body: string): unknown {
  const json = JSON.parse(body.match(/^data: (.*)$/m)?.[1] ?? body) as { data?: unknown };
  return json?.data ?? json;
}

const http =
  (path: string, init: RequestInit = {}): Ask =>
  async ({ port }, who) => {
    const headers = { 'content-type': 'application/json', authorization: nameOf(who) };
    const response = await fetch(`http://127.0.0.1:${port}/${path}`, { ...init, headers });
    return valuesIn(await response.text());
  };

const graphql =
  (query: string): Ask =>
  async (running, who) => {
    const { shelf } = (await http('graphql', { method: 'POST', body: JSON.stringify({ query }) })(running, who)) as {
      shelf: { key: string; label?: string };
    };
    return Object.values(shelf).map((text) => JSON.parse(text) as unknown);
  };

const message: Ask = async ({ tcp: port }, who) => {
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  closing.push(async () => client.close());
  return lastValueFrom(client.send('message', nameOf(who)));
};

let open: (() => void)[] = [];
/** Sockets open one after the other; their messages are to meet. */
const gathered = (): Promise<void> =>
  new Promise((go) => {
    open.push(go);
    if (open.length < 2 * PEOPLE.length) return;
    const all = open;
    open = [];
    all.forEach((each) => each());
  });

const socket: Ask = async ({ port }, who) => {
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { authorization: nameOf(who) } });
  closing.push(async () => client.terminate());
  await once(client, 'open');
  await gathered();
  const answer = once(client, 'message');
  client.send(JSON.stringify({ event: 'socket', data: {} }));
  return valuesIn(String((await answer)[0]));
};

const ROUTES: readonly [string, Ask][] = [
  ['routes', http('plain')],
  ['interceptors behind it', http('looked')],
  ['server-sent events', http('events')],
];
const TRANSPORTS: readonly [string, Ask][] = [
  ...ROUTES,
  ['messages', message],
  ['sockets', socket],
  ['queries and fields', graphql('{ shelf { key label } }')],
  ['mutations and fields', graphql('mutation { shelf: change { key label } }')],
];

/** All at once, twice: what each of them saw. */
async function everybody(running: Running, ask: Ask): Promise<void> {
  const people = [...PEOPLE, ...PEOPLE];
  const answers = await Promise.all(people.map((who) => ask(running, who)));
  people.forEach(({ tenant: t, user: u }, at) => {
    const own = expect.objectContaining({ t, u });
    expect(Array.isArray(answers[at]) ? answers[at] : [answers[at]]).toEqual(
      Array.isArray(answers[at]) ? (answers[at] as unknown[]).map(() => own) : [own],
    );
  });
}

/** Durable: made once for each tenant. */
class ByTenant {
  private readonly ids = new Map<string, ContextId>();

  attach(contextId: ContextId, request: Asked): (info: HostComponentInfo) => ContextId {
    const name = String(request?.headers?.['authorization']);
    const tenantId = this.ids.get(name) ?? ContextIdFactory.create();
    this.ids.set(name, tenantId);
    return (info) => (info.isTreeDurable ? tenantId : contextId);
  }
}

const REQUEST = { scope: Scope.REQUEST };
const isOnNest12 = NEST_MAJOR > 11;
/** And whether it stands before messages of a gateway, or no gateway can be had with it. */
const WAYS: readonly [string, boolean | undefined, (turnstile: Turnstile) => Parts][] = [
  ['APP_INTERCEPTOR', isOnNest12, (at) => ({ providers: [{ provide: APP_INTERCEPTOR, useClass: queueOf(at) }] })],
  ['a request-scoped APP_INTERCEPTOR', false, (at) => appInterceptor(queueOf(at, REQUEST), REQUEST)],
  [
    'a durable APP_INTERCEPTOR',
    false,
    (at) => appInterceptor(queueOf(at, { ...REQUEST, durable: true }), { ...REQUEST, durable: true }),
  ],
  ['useGlobalInterceptors', isOnNest12, (at) => ({ globals: [queueOf(at)] })],
  ['a class', true, (at) => ({ decorated: UseInterceptors(queueOf(at)) })],
  [
    'a class, for each request',
    isOnNest12 || undefined,
    (at) => ({ decorated: UseInterceptors(queueOf(at, REQUEST)) }),
  ],
];

function appInterceptor(queue: Type<NestInterceptor>, made: object): Parts {
  return { providers: [{ provide: APP_INTERCEPTOR, useClass: queue, ...made }] };
}

ContextIdFactory.apply(new ByTenant());

describe.each(WAYS)('behind a queue by %s', (_, isBeforeSockets, parts) => {
  it.each([
    ['express', 'a resolver that reads', byClaims],
    ['fastify', 'a function', byFunction],
  ] as const)('everybody is themselves in every transport, on %s by %s', async (platform, __, resolve) => {
    const turnstile = new Turnstile();
    const running = await start(platform, { ...parts(turnstile), resolve, withGraphql: platform === 'express' });
    for (const [name, ask] of platform === 'express' ? TRANSPORTS : [...ROUTES, TRANSPORTS[3]!]) {
      if (name === 'sockets' && isBeforeSockets === undefined) continue;
      turnstile.waited = 0;
      await everybody(running, ask).catch((error: Error) => {
        error.message = `${name}: ${error.message}`;
        throw error;
      });
      expect([name, turnstile.waited > 0]).toEqual([name, name !== 'sockets' || isBeforeSockets]);
    }
  });
});

/** Says for whom itself. */
@Injectable()
class PuttingInterceptor implements NestInterceptor {
  constructor(private readonly cache: CacheService) {}

  async intercept(execution: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = execution.switchToHttp().getRequest<Asked>();
    const [tenant, user] = String(request.headers['authorization']).split('/');
    await Promise.resolve();
    return this.cache.runInScope({ tenant: `${tenant}-put`, user }, () => next.handle());
  }
}

/** Keeps the answer of the handler for all requests. */
@Injectable()
class KeepingInterceptor implements NestInterceptor {
  constructor(private readonly cache: CacheService) {}

  async intercept(_: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    return of(await this.cache.global().getOrSet('answer', () => lastValueFrom(next.handle())));
  }
}

@Injectable()
class TenantNotes {
  constructor(
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
    private readonly cache: CacheService,
  ) {}

  @Cacheable({ scope: 'tenant' })
  async board(): Promise<{ t: string | undefined }> {
    return { t: this.context.scope().tenant };
  }

  async ofMine(tenant: string): Promise<{ t: string | undefined }> {
    return this.cache.runInScope({ tenant }, () => this.board());
  }
}

const atOwn = new Turnstile();
const OwnQueue = queueOf(atOwn);
const Batch = batchOf(PEOPLE.length);

@Controller('own')
class OwnController {
  constructor(
    private readonly notes: Notes,
    private readonly tenants: TenantNotes,
  ) {}

  @Get('put')
  @UseInterceptors(PuttingInterceptor, OwnQueue, LookingInterceptor)
  put(): Promise<unknown> {
    return this.notes.mine('put');
  }

  @Get('kept')
  @UseInterceptors(OwnQueue, KeepingInterceptor)
  kept(): Promise<unknown> {
    return this.tenants.ofMine('acme');
  }

  @Get('batched')
  @UseInterceptors(LookingInterceptor, Batch)
  batched(): Promise<unknown> {
    return this.notes.mine('batched');
  }

  /** Behind the same queue as the routes. */
  @MessagePattern('queued')
  @UseInterceptors(OwnQueue)
  queued(): Promise<unknown> {
    return this.notes.mine('queued').catch(({ name }: Error) => name);
  }

  @Get('queued')
  @UseInterceptors(OwnQueue)
  alsoQueued(): Promise<unknown> {
    return this.notes.mine('queued');
  }
}

/** What a library for another transport calls. */
@Injectable()
class Consumer {
  constructor(private readonly notes: Notes) {}

  @UseInterceptors(OwnQueue)
  handle(_client: unknown, _who: string): Promise<unknown> {
    return this.notes.mine('consumed');
  }
}

describe('a scope that an interceptor puts on', () => {
  const own: Parts = { controllers: [OwnController], providers: [TenantNotes] };
  const putOn = async (running: Running): Promise<void> => {
    atOwn.waited = 0;
    const answers = await Promise.all(PEOPLE.map((who) => http('own/put')(running, who)));
    PEOPLE.forEach(({ tenant, user: u }, at) => {
      const seen = expect.objectContaining({ t: `${tenant}-put`, u });
      expect(answers[at]).toEqual([seen, seen, seen]);
    });
    expect(atOwn.waited).toBeGreaterThan(0);
  };

  it('is kept behind a queue, where the route has one of its own', async () => {
    await putOn(await start('express', own));
  });

  it('is kept behind a queue, where a function says who is asking', async () => {
    await putOn(await start('express', { ...own, resolve: byFunction }));
  });

  it('is kept behind a queue, where nothing says who is asking', async () => {
    const running = await start('fastify', { ...own, resolve: undefined as never });
    await putOn(running);
  });
});

describe('a function that says who is asking', () => {
  it('looks at the cache as nobody, whoever let its request go on', async () => {
    const turnstile = new Turnstile();
    const looked: unknown[] = [];
    const app = {} as { notes?: Notes };
    const resolve: ScopeResolver = async (source) => {
      looked.push(await app.notes?.mine('resolver').catch(({ name }: Error) => name));
      return byFunction(source);
    };
    const decorated = UseInterceptors(queueOf(turnstile), CacheScopeInterceptor);
    const running = await start('express', { resolve, decorated });
    app.notes = running.app.get(Notes);
    await everybody(running, http('plain'));
    expect(turnstile.waited).toBeGreaterThan(0);
    expect(looked.length).toBe(4 * PEOPLE.length);
    expect(new Set(looked)).toEqual(new Set(['ScopeMissingError']));
  });
});

describe('behind a queue', () => {
  const own: Parts = { controllers: [OwnController], providers: [TenantNotes] };

  it('a handler inside of a load is watched by it', async () => {
    const running = await start('express', own);
    await Promise.all(PEOPLE.map((who) => http('own/kept')(running, who)));
    expect(await running.app.get(CacheService).global().has('answer')).toBe(false);
  });

  it('answers that come in the callback of another request come to their own', async () => {
    const running = await start('express', own);
    const answers = await Promise.all(PEOPLE.map((who) => http('own/batched')(running, who)));
    PEOPLE.forEach(({ tenant: t, user: u }, at) => {
      const seen = expect.objectContaining({ t, u });
      expect(answers[at]).toEqual([seen, seen, seen]);
    });
  });

  it('a message that no scope reaches is nobody’s, though routes wait in the same one', async () => {
    const running = await start('express', own, false);
    const { tcp: port } = running;
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
    closing.push(async () => client.close());
    atOwn.waited = 0;
    const queued = PEOPLE.map(async (who) => lastValueFrom(client.send<unknown>('queued', nameOf(who))));
    const [answers] = await Promise.all([Promise.all(queued), everybody(running, http('own/queued'))]);
    expect(answers).toEqual(PEOPLE.map(() => 'ScopeMissingError'));
    expect(atOwn.waited).toBeGreaterThan(0);
  });

  it('of its microservice alone a message is itself, or nobody, though routes wait in the same one', async () => {
    const both = async (ofMessages: NonNullable<Parts['ofMessages']>): Promise<unknown[]> => {
      const running = await start('express', { ...own, ofMessages }, false);
      atOwn.waited = 0;
      const [answers] = await Promise.all([
        Promise.all(PEOPLE.map((who) => message(running, who).catch(() => 'refused'))),
        everybody(running, http('own/queued')),
      ]);
      expect(atOwn.waited).toBeGreaterThan(0);
      return answers;
    };
    expect(await both(() => [new OwnQueue()])).toEqual(PEOPLE.map(() => 'refused'));
    const themselves = PEOPLE.map(({ tenant: t, user: u }) => expect.objectContaining({ t, u }));
    expect(await both((app) => [app.get(CacheScopeInterceptor), new OwnQueue()])).toEqual(themselves);
  });

  it('handlers of libraries that Nest takes for routes are themselves, though all are handed one client', async () => {
    const resolve: ScopeResolver = ({ execution }) => {
      const [, who] = (execution as ExecutionContext).getArgs<[unknown, string]>();
      const [tenant, user] = who.split('/');
      return { tenant, user };
    };
    const { app } = await start('express', { providers: [Consumer], resolve });
    const consumer = app.get(Consumer);
    const handle = app.get(ExternalContextCreator).create(consumer, consumer.handle as () => unknown, 'handle');
    atOwn.waited = 0;
    for (const client of [{ isConnected: true }, 'one topic']) {
      const answers = await Promise.all(PEOPLE.map((who) => handle(client, nameOf(who)) as Promise<unknown>));
      expect(answers).toEqual(PEOPLE.map(({ tenant: t, user: u }) => expect.objectContaining({ t, u })));
    }
    expect(atOwn.waited).toBeGreaterThan(0);
  });

  it('nothing of it stays at the classes when the application has ended', async () => {
    const named = (): unknown => Reflect.getMetadata('__interceptors__', OwnController.prototype.put);
    expect(named()).toEqual([PuttingInterceptor, OwnQueue, LookingInterceptor]);
    const first = await start('express', own);
    const second = await start('express', own);
    expect((named() as unknown[]).length).toBe(7);
    await first.app.close();
    await putsItself(second);
    await second.app.close();
    expect(named()).toEqual([PuttingInterceptor, OwnQueue, LookingInterceptor]);
  });

  async function putsItself(running: Running): Promise<void> {
    const [{ t }] = (await http('own/put')(running, PEOPLE[0])) as [Seen];
    expect(t).toBe('acme-put');
  }
});
