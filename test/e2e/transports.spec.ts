/**
 * Where requests are not HTTP. The interceptor of the module reaches message handlers of microservices and, since
 * Nest 12, of gateways; it does not reach the microservices of a hybrid application, nor whatever starts without Nest:
 * timers, jobs, event listeners. There the calls fail closed until a scope is said.
 */
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Module,
  Param,
  UseInterceptors,
  type INestApplication,
  type INestMicroservice,
} from '@nestjs/common';
import { ClientProxyFactory, MessagePattern, Payload, Transport, type ClientProxy } from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { Cron, Interval, ScheduleModule, SchedulerRegistry, Timeout } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { MessageBody, SubscribeMessage, WebSocketGateway, type OnGatewayConnection } from '@nestjs/websockets';
import { lastValueFrom } from 'rxjs';
import WebSocket from 'ws';
import {
  CacheModule,
  CacheScopeInterceptor,
  CacheService,
  fromClaims,
  memory,
  type FoundScope,
  type ScopeResolver,
  type ScopeSource,
} from '../../lib/index.js';
import { NEST_MAJOR } from '../support/nest-major.js';
import { Notes, type Action, type Seen, type Who } from './support/notes.js';
import { PEOPLE, proveIsolation } from './support/prove-isolation.js';
import { KeptLog } from './support/quiet.js';

// Real servers on a machine that may be busy.
jest.setTimeout(30_000);

interface Message {
  readonly id?: number;
  readonly action: Action;
  readonly key: string;
  readonly who?: Who;
}

/** The claims of a request or socket; what a trusted service says in its message. */
function resolve({ transport, request, payload }: ScopeSource): FoundScope {
  return transport === 'rpc' ? (payload as Message).who : (request as { user?: Who } | undefined)?.user;
}

/** The answer, or the name of the error: transports differ in what becomes of errors. */
async function outcome(work: () => Promise<unknown>): Promise<{ seen?: unknown; error?: string }> {
  try {
    return { seen: await work() };
  } catch (error) {
    return { error: (error as Error).name };
  }
}

function seenOf(answer: { seen?: unknown; error?: string }): unknown {
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer.seen;
}

/** For the same claims, one that only reads: then routes do without the interceptor, and nothing else does. */
const reading = fromClaims({ tenant: 'tenant', user: 'user' });

const cacheModule = (by: ScopeResolver = resolve): ReturnType<typeof CacheModule.forRoot> =>
  CacheModule.forRoot({ backend: memory(), scope: { resolve: by } });

class Gateway implements OnGatewayConnection {
  constructor(private readonly notes: Notes) {}

  handleConnection(client: { user?: Who }, request: { headers: Record<string, string> }): void {
    const [tenant, user] = (request.headers['authorization'] ?? '').split('/');
    client.user = { tenant: tenant || undefined, user: user || undefined };
  }

  protected async answer({ id, action, key }: Message): Promise<object> {
    return { event: 'answer', data: { id, ...(await outcome(() => this.notes.act(action, key))) } };
  }
}

@WebSocketGateway()
class PlainGateway extends Gateway {
  constructor(notes: Notes) {
    super(notes);
  }

  @SubscribeMessage('plain')
  onPlain(@MessageBody() message: Message): Promise<object> {
    return this.answer(message);
  }
}

@WebSocketGateway()
@UseInterceptors(CacheScopeInterceptor)
class ScopedGateway extends Gateway {
  constructor(notes: Notes) {
    super(notes);
  }

  @SubscribeMessage('scoped')
  onScoped(@MessageBody() message: Message): Promise<object> {
    return this.answer(message);
  }
}

@Controller()
class PlainMessages {
  constructor(private readonly notes: Notes) {}

  @MessagePattern('plain')
  act(@Payload() { action, key }: Message): Promise<object> {
    return outcome(() => this.notes.act(action, key));
  }

  @Get('http/:action/:key')
  http(@Param('action') action: Action, @Param('key') key: string): Promise<object> {
    return outcome(() => this.notes.act(action, key));
  }
}

@Controller()
@UseInterceptors(CacheScopeInterceptor)
class ScopedMessages {
  constructor(private readonly notes: Notes) {}

  @MessagePattern('scoped')
  act(@Payload() { action, key }: Message): Promise<object> {
    return outcome(() => this.notes.act(action, key));
  }
}

describe.each([
  ['a function', resolve],
  ['a resolver that only reads', reading],
])('WebSocket gateways, by %s', (_, by) => {
  let app: INestApplication;
  const sockets = new Map<string, WebSocket>();
  const waiting = new Map<number, (answer: { seen?: unknown; error?: string }) => void>();
  let ids = 0;

  beforeAll(async () => {
    @Module({ imports: [cacheModule(by)], providers: [PlainGateway, ScopedGateway, Notes] })
    class WsModule {}
    const module = await Test.createTestingModule({ imports: [WsModule] })
      .setLogger(new KeptLog())
      .compile();
    app = module.createNestApplication();
    app.useWebSocketAdapter(new WsAdapter(app));
    await app.listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    for (const socket of sockets.values()) socket.terminate();
    await app.close();
  });

  async function socketOf({ tenant = '', user = '' }: Who): Promise<WebSocket> {
    const name = `${tenant}/${user}`;
    const known = sockets.get(name);
    if (known !== undefined) return known;
    const { port } = app.getHttpServer().address() as AddressInfo;
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { authorization: name } });
    sockets.set(name, socket);
    socket.on('message', (text: Buffer) => {
      const { data } = JSON.parse(text.toString()) as { data: { id: number; seen?: unknown; error?: string } };
      waiting.get(data.id)?.(data);
    });
    await once(socket, 'open');
    return socket;
  }

  async function ask(event: string, who: Who, action: Action, key: string): Promise<unknown> {
    const socket = await socketOf(who);
    if (socket.readyState !== WebSocket.OPEN) await once(socket, 'open');
    const id = ++ids;
    const answer = new Promise<{ seen?: unknown; error?: string }>((resolve_) => waiting.set(id, resolve_));
    socket.send(JSON.stringify({ event, data: { id, action, key } }));
    return seenOf(await answer);
  }

  // Interceptors of the whole application are not asked at gateways before Nest 12.
  if (NEST_MAJOR === 12) {
    it('are reached by the module, and keep two tenants and two users apart', async () => {
      await proveIsolation((who, action, key) => ask('plain', who, action, key));
    });
  } else {
    it('are not reached by the module on Nest 11, and fail closed', async () => {
      const asked = ask('plain', { tenant: 'acme', user: 'alice' }, 'board', 'x');
      await expect(asked).rejects.toThrow('ScopeMissingError');
    });
  }

  it('keep them apart with the interceptor put on by hand, as Nest 11 needs it', async () => {
    await proveIsolation((who, action, key) => ask('scoped', who, action, key), 'scoped');
  });
});

describe('microservices', () => {
  @Module({ imports: [cacheModule()], controllers: [PlainMessages, ScopedMessages], providers: [Notes] })
  class RpcModule {}
  const clients: ClientProxy[] = [];
  const closing: (() => Promise<unknown>)[] = [];

  afterAll(async () => {
    for (const client of clients) await client.close();
    for (const close of closing) await close();
  });

  async function freePort(): Promise<number> {
    const { createServer } = await import('node:net');
    const server: Server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve_) => server.close(resolve_));
    return port;
  }

  function clientOf(port: number): (pattern: string) => (who: Who, action: Action, key: string) => Promise<unknown> {
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
    clients.push(client);
    return (pattern) => async (who, action, key) =>
      seenOf(await lastValueFrom(client.send<object>(pattern, { who, action, key } satisfies Message)));
  }

  it('keep two tenants and two users apart over TCP', async () => {
    const port = await freePort();
    const module = await Test.createTestingModule({ imports: [RpcModule] })
      .setLogger(new KeptLog())
      .compile();
    const app: INestMicroservice = module.createNestMicroservice({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
    });
    closing.push(() => app.close());
    await app.listen();
    await proveIsolation(clientOf(port)('plain'));
  });

  async function hybrid(inheritAppConfig: boolean): Promise<{ ask: ReturnType<typeof clientOf>; url: string }> {
    const port = await freePort();
    const module = await Test.createTestingModule({ imports: [RpcModule] })
      .setLogger(new KeptLog())
      .compile();
    const app = module.createNestApplication();
    app.use((request: { headers: Record<string, string>; user?: Who }, _: unknown, next: () => void) => {
      const [tenant, user] = (request.headers['authorization'] ?? '').split('/');
      request.user = { tenant: tenant || undefined, user: user || undefined };
      next();
    });
    app.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port } }, { inheritAppConfig });
    closing.push(() => app.close());
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    return { ask: clientOf(port), url: `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}` };
  }

  it('of a hybrid application are not reached: they fail closed, until the interceptor is put on by hand', async () => {
    const { ask, url } = await hybrid(false);
    for (const who of PEOPLE) await expect(ask('plain')(who, 'board', 'k')).rejects.toThrow('ScopeMissingError');
    await proveIsolation(ask('scoped'));
    await proveIsolation(async (who, action, key) => {
      const headers = { authorization: `${who.tenant ?? ''}/${who.user ?? ''}` };
      return seenOf((await (await fetch(`${url}/http/${action}/${key}`, { headers })).json()) as object);
    }, 'http');
  });

  it('of a hybrid application are reached with inheritAppConfig', async () => {
    await proveIsolation((await hybrid(true)).ask('plain'));
  });
});

@Injectable()
class Jobs {
  readonly seen: Record<string, { seen?: unknown; error?: string }[]> = {};

  constructor(
    private readonly notes: Notes,
    private readonly cache: CacheService,
  ) {}

  @Cron('* * * * * *')
  cron(): Promise<void> {
    return this.note('cron', () => this.notes.board('job'));
  }

  @Interval(15)
  interval(): Promise<void> {
    return this.note('interval', () => this.notes.board('job'));
  }

  @Timeout(5)
  timeout(): Promise<void> {
    return this.note('timeout', () => this.notes.mine('job'));
  }

  @Interval(20)
  async nightly(): Promise<void> {
    for (const who of PEOPLE)
      await this.note(`${who.tenant}/${who.user}`, () => this.cache.runInScope(who, () => this.notes.mine('job')));
  }

  async note(name: string, work: () => Promise<unknown>): Promise<void> {
    (this.seen[name] ??= []).push(await outcome(work));
  }
}

describe('what no request stands behind', () => {
  let app: INestApplication;
  let cache: CacheService;
  let notes: Notes;

  beforeAll(async () => {
    @Module({ imports: [cacheModule(), ScheduleModule.forRoot()], providers: [Jobs, Notes] })
    class JobsModule {}
    const module = await Test.createTestingModule({ imports: [JobsModule] })
      .setLogger(new KeptLog())
      .compile();
    app = module.createNestApplication();
    await app.init();
    cache = app.get(CacheService);
    notes = app.get(Notes);
  });
  afterAll(() => app.close());

  it('keeps two tenants and two users apart in runInScope, and fails closed outside of it', async () => {
    await proveIsolation((who, action, key) => cache.runInScope(who, () => notes.act(action, key)));
    await expect(notes.board('k')).rejects.toThrow('No tenant in the current scope');
  });

  it('fails closed in cron jobs, intervals and timeouts, and works where they say for whom', async () => {
    const { seen } = app.get(Jobs);
    while (seen['cron'] === undefined) await pause(50);
    for (const name of ['cron', 'interval', 'timeout']) {
      expect(new Set(seen[name]?.map(({ error }) => error))).toEqual(new Set(['ScopeMissingError']));
    }
    for (const { tenant, user } of PEOPLE) {
      for (const one of seen[`${tenant}/${user}`] ?? [])
        expect(one).toEqual({ seen: expect.objectContaining({ t: tenant, u: user }) });
    }
  });

  it('keeps the scope of whoever starts a timer, and no other', async () => {
    const started: Seen[] = [];
    const registry = app.get(SchedulerRegistry);
    for (const who of PEOPLE) {
      cache.runInScope(who, () => {
        const timer = setInterval(() => void notes.mine('timer').then((seen) => started.push(seen)), 5);
        registry.addInterval(`${who.tenant} ${who.user}`, timer);
      });
    }
    while (started.length < 5 * PEOPLE.length) await pause(5);
    for (const who of PEOPLE) registry.deleteInterval(`${who.tenant} ${who.user}`);
    expect(new Set(started.map(({ t, u }) => `${t}/${u}`))).toEqual(
      new Set(PEOPLE.map(({ tenant, user }) => `${tenant}/${user}`)),
    );
    expect(new Set(started.map(({ n }) => n)).size).toBe(PEOPLE.length);
  });

  it('fails closed in the worker of a queue, and works on a job that carries its scope', async () => {
    const done: { seen?: unknown; error?: string }[] = [];
    const queue: { who: Who; withScope: boolean }[] = [];
    const worker = setInterval(() => {
      const job = queue.shift();
      if (job === undefined) return;
      const work = (): Promise<unknown> => notes.mine('queued');
      void outcome(() => (job.withScope ? cache.runInScope(job.who, work) : work())).then((it_) => done.push(it_));
    }, 1);
    for (const who of PEOPLE) {
      cache.runInScope(who, () => queue.push({ who, withScope: false }, { who, withScope: true }));
    }
    while (done.length < 2 * PEOPLE.length) await pause(5);
    clearInterval(worker);
    expect(done.filter(({ error }) => error === 'ScopeMissingError')).toHaveLength(PEOPLE.length);
    const users = done.flatMap(({ seen }) => (seen === undefined ? [] : [`${(seen as Seen).t}/${(seen as Seen).u}`]));
    expect(users.sort()).toEqual(PEOPLE.map(({ tenant, user }) => `${tenant}/${user}`).sort());
  });

  it('runs the listeners of an event in the scope of whoever emits it', async () => {
    const bus = new EventEmitter();
    const heard: Promise<unknown>[] = [];
    cache.runInScope({ tenant: 'initech', user: 'peter' }, () =>
      bus.on('changed', () => heard.push(outcome(() => notes.mine('event')))),
    );
    bus.emit('changed');
    for (const who of PEOPLE) cache.runInScope(who, () => bus.emit('changed'));
    expect(await Promise.all(heard)).toEqual([
      { error: 'ScopeMissingError' },
      ...PEOPLE.map(({ tenant, user }) => ({ seen: expect.objectContaining({ t: tenant, u: user }) })),
    ]);
  });

  it('keeps the scope across a pool of callbacks when they are bound, or enter it themselves', async () => {
    /** Like an old driver: the call that gives a connection back runs the callback of the next. */
    const pool = {
      isFree: true,
      waiters: [] as (() => void)[],
      acquire(use: () => void): void {
        if (this.isFree) {
          this.isFree = false;
          use();
        } else this.waiters.push(use);
      },
      release(): void {
        const next = this.waiters.shift();
        if (next === undefined) this.isFree = true;
        else next();
      },
    };
    const answers = await Promise.all(
      PEOPLE.map((who, index) =>
        cache.runInScope(
          who,
          () =>
            new Promise((resolve_) => {
              const use = (): void =>
                void outcome(() => notes.mine('pool')).then((answer) => {
                  pool.release();
                  resolve_(answer);
                });
              pool.acquire(index % 2 === 0 ? AsyncResource.bind(use) : () => cache.runInScope(who, use));
            }),
        ),
      ),
    );
    expect(answers).toEqual(
      PEOPLE.map(({ tenant, user }) => ({ seen: expect.objectContaining({ t: tenant, u: user }) })),
    );
  });
});
