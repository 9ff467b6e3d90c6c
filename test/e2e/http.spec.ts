import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  Controller,
  createParamDecorator,
  Delete,
  ForbiddenException,
  Get,
  Header,
  HttpCode,
  Inject,
  Injectable,
  Module,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Redirect,
  Req,
  Res,
  Scope,
  SetMetadata,
  Sse,
  StreamableFile,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { finalize, interval, map, mergeMap, Observable, of, take } from 'rxjs';
import {
  CACHE_CONTEXT,
  Cacheable,
  type CacheContext,
  CacheEvict,
  CacheModule,
  CacheScope,
  CacheService,
  firstOf,
  fromClaims,
  fromRequest,
  memory,
  type ScopeResolver,
} from '../../lib/index.js';
import { Notes, type Action, type Who } from './support/notes.js';
import { proveIsolation } from './support/prove-isolation.js';
import { KeptLog } from './support/quiet.js';

// Real servers on a machine that may be busy.
jest.setTimeout(30_000);

/** A request after authentication. */
interface Asked {
  readonly headers: Record<string, string | undefined>;
  user?: { tid?: string | undefined; sub?: string | undefined } | undefined;
}

/** Stands for Passport: believes the token, which says tenant and user. */
@Injectable()
class TokenGuard implements CanActivate {
  canActivate(execution: ExecutionContext): boolean {
    const request = execution.switchToHttp().getRequest<Asked>();
    const [tid, sub] = (request.headers['authorization'] ?? '').split('/');
    request.user = { tid: tid || undefined, sub: sub || undefined };
    return true;
  }
}

/** A gate that the application puts in front: a header that contradicts the token is an attack. */
const unspoofed = fromRequest<Asked>(({ headers, user }) => {
  const claimed = headers['x-tenant-id'];
  if (claimed !== undefined && claimed !== user?.tid)
    throw new ForbiddenException('another tenant than that of the token');
  return undefined;
});

/** On Fastify the answer comes later, as a promise of another make than Node's. */
function later(resolve: ScopeResolver): ScopeResolver {
  return (source) => {
    if (!('raw' in (source.request as object))) return resolve(source);
    const answer = pause(0).then(() => resolve(source));
    // oxlint-disable-next-line unicorn/no-thenable -- a promise that is not one of Node's is what this is about
    return { then: answer.then.bind(answer) } as never;
  };
}

/** The storage of another library, entered in the way that leaks. */
const others = new AsyncLocalStorage<string>();

@Controller('notes')
class NotesController {
  constructor(private readonly notes: Notes) {}

  @Get(':action/:key')
  act(@Param('action') action: Action, @Param('key') key: string): Promise<unknown> {
    others.enterWith(`${action} ${key}`);
    return this.notes.act(action, key).then((seen) => seen ?? null);
  }
}

let eventsLeft = 0;
const runs: Record<string, number> = {};
const count = (name: string): number => (runs[name] = (runs[name] ?? 0) + 1);

/** What a team writes for itself: only a call shows what it hands over. */
const WholeRequest = createParamDecorator((_: unknown, context: ExecutionContext) =>
  context.switchToHttp().getRequest<unknown>(),
);

@Controller('routes')
@UseGuards(TokenGuard)
class RoutesController {
  constructor(
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
    private readonly notes: Notes,
  ) {}

  @Get('above/:id')
  @HttpCode(202)
  @Header('x-made', 'above')
  @SetMetadata('audit', 'above')
  @Cacheable({ ttl: '1m' })
  async above(@Param('id', ParseIntPipe) id: number): Promise<object> {
    return { id: id + 1, runs: count(`above ${this.context.scope().tenant}`), tenant: this.context.scope().tenant };
  }

  @Cacheable({ ttl: '1m' })
  @SetMetadata('audit', 'below')
  @Header('x-made', 'below')
  @HttpCode(202)
  @Get('below/:id')
  async below(@Param('id', ParseIntPipe) id: number): Promise<object> {
    return { id: id + 1, runs: count(`below ${this.context.scope().tenant}`), tenant: this.context.scope().tenant };
  }

  @Get('observable')
  @Cacheable()
  observable(): Observable<number> {
    return of(0, count('observable'));
  }

  @Get('manual')
  @Cacheable({ ignoreArgs: ['response'] })
  async manual(@Res() response: { send(body: unknown): void }): Promise<void> {
    const body = { runs: count('manual') };
    await pause(20);
    response.send(body);
  }

  @Get('passthrough')
  @Cacheable({ ignoreArgs: [0] })
  async passthrough(
    @Res({ passthrough: true }) response: { header(name: string, value: string): void },
  ): Promise<object> {
    response.header('x-ran', 'yes');
    return { runs: count('passthrough') };
  }

  @Sse('cached-events')
  @Cacheable()
  cachedEvents(): Observable<{ data: object }> {
    const run = count('cached-events');
    const data = (tick: number): object => ({ tick, run, tenant: this.context.scope().tenant });
    return interval(5).pipe(
      map((tick) => ({ data: data(tick) })),
      finalize(() => eventsLeft++),
    );
  }

  @Get('moved')
  @Redirect('/nowhere', 302)
  @Cacheable()
  async moved(): Promise<object> {
    return { url: `/elsewhere/${count('moved')}`, statusCode: 307 };
  }

  @Get('file')
  @Cacheable({ ignoreArgs: [0] })
  async file(@Query('unused') _unused: unknown): Promise<StreamableFile> {
    await pause(10);
    return new StreamableFile(Readable.from([Buffer.from(`bytes ${count('file')}`)]));
  }

  @Get('whole-request')
  @Cacheable()
  async wholeRequest(@WholeRequest() _request: unknown): Promise<string> {
    return 'never reached';
  }

  @Post('posted')
  @HttpCode(200)
  async posted(): Promise<object> {
    return { runs: count('posted') };
  }

  @Get('slow')
  @CacheScope('user')
  @Cacheable({ ttl: '1m' })
  async slow(): Promise<object> {
    await pause(60);
    const { tenant, user } = this.context.scope();
    return { tenant, user, runs: count('slow') };
  }

  @Sse('events')
  events(): Observable<{ data: object }> {
    return interval(5).pipe(
      take(3),
      mergeMap(async () => ({ data: { ...this.context.scope(), note: await this.notes.act('mine', 'sse') } })),
    );
  }

  @Get('failing')
  @Cacheable()
  async failing(): Promise<never> {
    count('failing');
    await pause(1);
    throw new ForbiddenException('the method says no');
  }
}

/** Routes that several controllers inherit, each with its own answers. */
abstract class CrudController {
  abstract readonly kind: string;

  @Get(':id')
  @Cacheable({ scope: 'tenant' })
  async findOne(@Param('id', ParseIntPipe) id: number): Promise<object> {
    return { kind: this.kind, id, runs: count(`crud ${this.kind}`) };
  }

  @CacheEvict({ method: 'findOne' })
  @Delete(':id')
  async remove(@Param('id', ParseIntPipe) id: number): Promise<object> {
    return { removed: id };
  }
}

@Controller('cats')
@UseGuards(TokenGuard)
class CatsController extends CrudController {
  readonly kind = 'cat';
}

@Controller('dogs')
@UseGuards(TokenGuard)
class DogsController extends CrudController {
  readonly kind = 'dog';
}

/** Background reloads: what they run for was settled by the request that noticed, even if that request lies by now. */
@Controller('aging')
@UseGuards(TokenGuard)
class AgingController {
  constructor(
    private readonly cache: CacheService,
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
  ) {}

  @Get()
  async aging(@Req() request: Asked): Promise<unknown> {
    const { tenant, user } = this.context.scope();
    const options = { ttl: 40, staleWhileRevalidate: '1m' } as const;
    const seen = await this.cache.for({ tenant, user }).getOrSet('aging', () => this.load(), options);
    request.user = { tid: 'mallory', sub: 'mallory' };
    return seen;
  }

  private async load(): Promise<object> {
    await pause(5);
    const { tenant, user } = this.context.scope();
    return { tenant, user, runs: count(`aging ${tenant} ${user}`) };
  }
}

@Controller('switch')
@UseGuards(TokenGuard)
class SwitchController {
  constructor(
    private readonly cache: CacheService,
    private readonly notes: Notes,
  ) {}

  /** Support staff look at another tenant's board, and are themselves again afterwards. */
  @Get(':tenant')
  async impersonate(@Param('tenant') tenant: string): Promise<unknown> {
    const before = await this.notes.act('board', 'switch');
    const during = await this.cache.runInScope({ tenant }, () => this.notes.act('board', 'switch'));
    const asUser = await this.cache
      .runInScope({ tenant }, () => this.notes.act('mine', 'switch'))
      .catch((error: Error) => error.name);
    const after = await this.notes.act('mine', 'switch');
    return { before, during, asUser, after };
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  constructor(
    @Inject(REQUEST) readonly request: Asked,
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
  ) {}

  @Cacheable()
  async tenant(): Promise<object> {
    return {
      tenant: this.context.scope().tenant,
      header: this.request.headers['authorization'],
      runs: count('request'),
    };
  }
}

@Controller('per-request')
@UseGuards(TokenGuard)
class PerRequestController {
  constructor(private readonly provider: PerRequest) {}

  @Get()
  tenant(): Promise<object> {
    return this.provider.tenant();
  }
}

@Module({
  imports: [
    CacheModule.forRoot({
      backend: memory(),
      scope: { resolve: later(firstOf(unspoofed, fromClaims({ tenant: 'tid', user: 'sub' }))) },
    }),
  ],
  controllers: [
    CatsController,
    DogsController,
    NotesController,
    RoutesController,
    AgingController,
    SwitchController,
    PerRequestController,
  ],
  providers: [Notes, PerRequest],
})
class HttpModule {}

const adapters = {
  express: () => new ExpressAdapter(),
  fastify: () => new FastifyAdapter(),
};

describe.each(['express', 'fastify'] as const)('HTTP on %s', (platform) => {
  const log = new KeptLog();
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    for (const name of Object.keys(runs)) delete runs[name];
    const module = await Test.createTestingModule({ imports: [HttpModule] })
      .setLogger(log)
      .compile();
    app = module.createNestApplication(adapters[platform]() as ExpressAdapter);
    app.useGlobalGuards(new TokenGuard());
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  });
  afterAll(() => app.close());

  const ask = (path: string, who: Who = {}, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${url}/${path}`, { headers: { authorization: `${who.tenant ?? ''}/${who.user ?? ''}`, ...headers } });
  const json = async (path: string, who?: Who, headers?: Record<string, string>): Promise<unknown> => {
    const response = await ask(path, who, headers);
    const body = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${body}`);
    return body === '' ? undefined : JSON.parse(body);
  };
  const ann = { tenant: 'acme', user: 'ann' };
  const bob = { tenant: 'acme', user: 'bob' };
  const eve = { tenant: 'globex', user: 'eve' };

  it('keeps two tenants and two users apart behind every decorator and verb, and fails closed without a scope', async () => {
    await proveIsolation((who, action, key) => json(`notes/${action}/${key}`, who));
  });

  it('answers 500 without a scope, and says nothing of the cache to the client', async () => {
    const response = await ask('notes/board/x');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toMatch(/tenant|cache|scope/i);
  });

  it('believes only the resolver: a header of the caller changes nothing, or is refused where the resolver says so (C17)', async () => {
    const own = await json('notes/scope/x', ann, { 'x-tenant': 'globex', 'x-user-id': 'eve', tenant: 'globex' });
    expect(own).toMatchObject({ t: 'acme', u: 'ann' });
    const refused = await ask('notes/board/x', ann, { 'x-tenant-id': 'globex' });
    expect(refused.status).toBe(403);
    expect((await ask('notes/board/x', ann, { 'x-tenant-id': 'acme' })).status).toBe(200);
  });

  it('leaves no scope behind on a connection that stays open, whatever others enter (C15)', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const over = (path: string, who: Who): Promise<string> =>
      new Promise((resolve, reject) => {
        const headers = { authorization: `${who.tenant ?? ''}/${who.user ?? ''}` };
        get(`${url}/${path}`, { agent, headers }, (response: IncomingMessage) => {
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString()));
          response.on('end', () => resolve(`${response.statusCode} ${body}`));
        }).on('error', reject);
      });
    const sockets = new Set<unknown>();
    app.getHttpServer().on('connection', (socket: unknown) => sockets.add(socket));
    for (const who of [ann, eve, ann]) {
      expect(await over('notes/scope/x', who)).toContain(`"t":"${who.tenant}","u":"${who.user}"`);
      expect(await over('notes/board/kept', {})).toMatch(/^500/);
      expect(await over('notes/mine/kept', { tenant: 'acme' })).toMatch(/^500/);
    }
    expect(sockets.size).toBe(1);
    agent.destroy();
  });

  it.each(['above', 'below'])(
    'keeps route, status, header, pipe and guard with the route %s the cache decorator',
    async (where) => {
      const first = await ask(`routes/${where}/41`, ann);
      expect([first.status, first.headers.get('x-made')]).toEqual([202, where]);
      expect(await first.json()).toEqual({ id: 42, runs: 1, tenant: 'acme' });
      expect(await json(`routes/${where}/41`, bob)).toEqual({ id: 42, runs: 1, tenant: 'acme' });
      expect(await json(`routes/${where}/41`, eve)).toEqual({ id: 42, runs: 1, tenant: 'globex' });
      expect(await json(`routes/${where}/41`, ann)).toMatchObject({ runs: 1 });
      expect((await ask(`routes/${where}/no-number`, ann)).status).toBe(400);
      const handler = RoutesController.prototype[where as 'above'];
      expect(Reflect.getMetadata('audit', handler)).toBe(where);
      expect([handler.name, handler.length]).toEqual([where, 1]);
    },
  );

  it('plays a stored Observable back', async () => {
    expect(await json('routes/observable', ann)).toBe(1);
    expect(await json('routes/observable', ann)).toBe(1);
    expect(await json('routes/observable', eve)).toBe(2);
  });

  it('lets a handler that writes the response itself do so for every request, joined with nobody (B37)', async () => {
    const bodies = await Promise.all([1, 2, 3].map(() => json('routes/manual', ann)));
    expect(bodies).toHaveLength(3);
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(3);
    expect(log.of('Cache').filter((line) => line.includes('RoutesController.manual'))).toHaveLength(1);
  });

  it('does not cache a handler that is handed the response, also with passthrough, and says so once', async () => {
    for (const ran of [1, 2]) {
      const answer = await ask('routes/passthrough', ann);
      expect([answer.headers.get('x-ran'), await answer.json()]).toEqual(['yes', { runs: ran }]);
    }
    expect(log.of('Cache').filter((line) => line.includes('RoutesController.passthrough'))).toEqual([
      expect.stringContaining('what it does to that would be missing on a hit'),
    ]);
  });

  it('does not cache server-sent events, which come at once, and says so once', async () => {
    for (const ran of [1, 2]) {
      const controller = new AbortController();
      const headers = { authorization: 'acme/ann' };
      const { body } = await fetch(`${url}/routes/cached-events`, { headers, signal: controller.signal });
      const reader = (body as ReadableStream<Uint8Array>).getReader();
      let text = '';
      while (!text.includes('data: {"tick":2')) text += Buffer.from((await reader.read()).value ?? []).toString();
      expect(text).toContain(`data: {"tick":2,"run":${ran},"tenant":"acme"}`);
      controller.abort();
      while (eventsLeft < ran) await pause(5);
    }
    expect(log.of('Cache').filter((line) => line.includes('RoutesController.cachedEvents'))).toEqual([
      expect.stringContaining('sends events by @Sse()'),
    ]);
  });

  it('says status, headers and where to go on a hit as on a miss, when decorators or the result say them', async () => {
    for (const _ of ['miss', 'hit']) {
      const made = await ask('routes/above/7', ann);
      expect([made.status, made.headers.get('x-made'), await made.json()]).toEqual([
        202,
        'above',
        { id: 8, runs: expect.any(Number), tenant: 'acme' },
      ]);
      const headers = { authorization: 'acme/ann' };
      const moved = await fetch(`${url}/routes/moved`, { headers, redirect: 'manual' });
      expect([moved.status, moved.headers.get('location')]).toEqual([307, '/elsewhere/1']);
    }
  });

  it('returns streams without storing or reading them, to each caller its own, with one warning (B9)', async () => {
    const bodies = await Promise.all([1, 2, 3].map(async () => (await ask('routes/file', ann)).text()));
    bodies.push(await (await ask('routes/file', ann)).text());
    expect(new Set(bodies).size).toBe(4);
    expect(bodies.every((body) => body.startsWith('bytes '))).toBe(true);
    expect(log.of('Cache').filter((line) => line.includes('RoutesController.file'))).toHaveLength(1);
  });

  it('refuses a request object as part of a key, and names the argument in the log only', async () => {
    const response = await ask('routes/whole-request', ann);
    expect(response.status).toBe(500);
    expect(log.lines.join('\n')).toContain(
      'RoutesController.wholeRequest: argument 0 is an instance of a class that is not registered (',
    );
  });

  it('stores nothing of routes that are not decorated, and no error', async () => {
    const post = (): Promise<unknown> =>
      fetch(`${url}/routes/posted`, { method: 'POST', headers: { authorization: 'acme/ann' } }).then((it) => it.json());
    expect([await post(), await post()]).toEqual([{ runs: 1 }, { runs: 2 }]);
    const before = runs['failing'] ?? 0;
    expect([(await ask('routes/failing', ann)).status, (await ask('routes/failing', ann)).status]).toEqual([403, 403]);
    expect((runs['failing'] ?? 0) - before).toBe(2);
  });

  it('serves the others when the first caller hangs up in the middle of a load', async () => {
    const controller = new AbortController();
    const gone = fetch(`${url}/routes/slow`, { headers: { authorization: 'acme/ann' }, signal: controller.signal });
    gone.catch(() => undefined);
    await pause(20);
    const joined = json('routes/slow', ann);
    const other = json('routes/slow', bob);
    controller.abort();
    await expect(gone).rejects.toThrow();
    expect(await joined).toMatchObject(ann);
    expect(await other).toMatchObject(bob);
    expect(await json('routes/slow', ann)).toEqual(await joined);
  });

  it('reloads in the background for the scope that was captured, though the request was changed since', async () => {
    expect(await json('aging', ann)).toEqual({ ...ann, runs: 1 });
    expect(await json('aging', eve)).toEqual({ ...eve, runs: 1 });
    await pause(60);
    let seen = await json('aging', ann);
    expect(seen).toMatchObject(ann);
    // A request that comes too late finds the entry reloaded already; the reload itself must come.
    for (let turn = 0; turn < 200 && (seen as { runs: number }).runs === 1; turn++) {
      await pause(5);
      seen = await json('aging', ann);
    }
    expect(seen).toMatchObject(ann);
    expect((seen as { runs: number }).runs).toBeGreaterThan(1);
    expect(runs['aging mallory mallory']).toBeUndefined();
    expect(runs['aging globex eve']).toBe(1);
  });

  it('switches the tenant for what runInScope covers and nothing else (C18)', async () => {
    expect(await json('switch/globex', ann)).toMatchObject({
      before: { t: 'acme' },
      during: { t: 'globex' },
      asUser: 'ScopeMissingError',
      after: { t: 'acme', u: 'ann' },
    });
  });

  it('keeps the scope in what a stream of events does later', async () => {
    const [mine, hers] = await Promise.all([ann, eve].map(async (who) => (await ask('routes/events', who)).text()));
    expect(mine!.match(/"tenant":"acme","user":"ann","note":\{"t":"acme","u":"ann"/g)).toHaveLength(3);
    expect(hers!.match(/"tenant":"globex","user":"eve","note":\{"t":"globex","u":"eve"/g)).toHaveLength(3);
  });

  it('works on routes that controllers inherit, each with its own answers', async () => {
    const remove = (path: string): Promise<Response> =>
      fetch(`${url}/${path}`, { method: 'DELETE', headers: { authorization: 'acme/ann' } });
    for (const _ of [1, 2]) {
      expect(await json('cats/1', ann)).toEqual({ kind: 'cat', id: 1, runs: 1 });
      expect(await json('dogs/1', ann)).toEqual({ kind: 'dog', id: 1, runs: 1 });
      expect(await json('dogs/1', eve)).toEqual({ kind: 'dog', id: 1, runs: 2 });
    }
    expect(await (await remove('dogs/1')).json()).toEqual({ removed: 1 });
    expect(await json('cats/1', ann)).toMatchObject({ runs: 1 });
    expect(await json('dogs/1', eve)).toMatchObject({ runs: 2 });
    expect(await json('dogs/1', ann)).toMatchObject({ runs: 3 });
  });

  it('works on request-scoped providers', async () => {
    expect(await json('per-request', ann)).toEqual({ tenant: 'acme', header: 'acme/ann', runs: runs['request'] });
    expect(await json('per-request', bob)).toMatchObject({ header: 'acme/ann' });
    expect(await json('per-request', eve)).toMatchObject({ tenant: 'globex', header: 'globex/eve' });
  });
});
