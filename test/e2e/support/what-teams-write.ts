/**
 * An application as teams write it, small: lazy queries, interceptors that let requests queue, puts for others, subclasses,
 * a second cache by name, and the same base class in two modules. Every value says for whom and by which load it was made.
 */
import { setImmediate as turn } from 'node:timers/promises';
import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  Module,
  type NestInterceptor,
  Param,
  Scope,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, REQUEST } from '@nestjs/core';
import { Observable } from 'rxjs';
import {
  CACHE_CONTEXT,
  Cacheable,
  CacheConfig,
  CacheContext,
  CacheEvict,
  CacheModule,
  CachePut,
  CacheService,
  fromClaims,
  getCacheToken,
  memory,
} from '../../../lib/index.js';
import type { Who } from './notes.js';

/** A value that says for whom, by which site, under which key and by which load it was made. */
export interface Made {
  readonly site: string;
  readonly t: string | undefined;
  readonly u: string | undefined;
  readonly k: string;
  readonly n: number;
}

export const VERBS = [
  'cats',
  'payments',
  'inbox',
  'lazyFor',
  'putFor',
  'readFor',
  'session',
  'mine',
  'evict',
  'clear',
] as const;
export type Verb = (typeof VERBS)[number];

@Injectable()
export class Source {
  private n = 0;

  constructor(@Inject(CACHE_CONTEXT) private readonly context: CacheContext) {}

  /** A query that begins when it is awaited, as those of mongoose, knex and drizzle do, and asks only then who it is for. */
  query(site: string, k: string): PromiseLike<Made> {
    const run = async (): Promise<Made> => {
      const { tenant: t, user: u } = this.context.scope();
      await turn();
      const { tenant: later } = this.context.scope();
      return { site, t: t === later ? t : `${t} and ${later}`, u, k, n: ++this.n };
    };
    // oxlint-disable-next-line unicorn/no-thenable -- that is what such a query is
    return { then: (resolve, reject) => run().then(resolve, reject) };
  }
}

/** What every repository of the team has in common. */
@CacheConfig({ namespace: 'rows', scope: 'tenant' })
abstract class Rows {
  abstract readonly site: string;
  constructor(protected readonly source: Source) {}

  @Cacheable()
  findOne(k: string): Promise<Made> {
    return this.source.query(this.site, k) as Promise<Made>;
  }
}

@Injectable()
@CacheConfig({ ttl: '5m' })
class Cats extends Rows {
  readonly site = 'cats';
  constructor(source: Source) {
    super(source);
  }
}

@Injectable()
@CacheConfig({ ttl: '5m' })
class Payments extends Rows {
  readonly site = 'payments';
  constructor(source: Source) {
    super(source);
  }

  @CacheEvict({ method: 'findOne' })
  async forget(_k: string): Promise<void> {
    await turn();
  }
}

@CacheConfig({ namespace: 'mail', scope: 'user' })
class Mail {
  constructor(protected readonly source: Source) {}

  @Cacheable()
  inbox(k: string): Promise<Made> {
    return this.source.query('inbox', k) as Promise<Made>;
  }
}

/** Says no scope: the base's holds. */
@Injectable()
@CacheConfig({ ttl: '5m' })
class TeamMail extends Mail {
  constructor(source: Source) {
    super(source);
  }
}

/** Work of one tenant for another, as an administrator's. */
@Injectable()
class Support {
  constructor(
    private readonly cache: CacheService,
    private readonly source: Source,
  ) {}

  lazyFor(tenant: string, k: string): Promise<Made> {
    return this.cache
      .namespace('support')
      .tenant(tenant)
      .getOrSet(k, () => this.source.query('support', k) as Promise<Made>);
  }

  @CachePut({ namespace: 'support', key: (_t: string, k: string) => k, context: (tenant: string) => ({ tenant }) })
  putFor(_tenant: string, k: string): Promise<Made> {
    return this.source.query('support', k) as Promise<Made>;
  }

  readFor(tenant: string, k: string): Promise<Made | undefined> {
    return this.cache.namespace('support').tenant(tenant).get<Made>(k);
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestMail {
  constructor(
    private readonly mail: TeamMail,
    @Inject(REQUEST) readonly request: unknown,
  ) {}

  inbox(k: string): Promise<Made> {
    return this.mail.inbox(k);
  }
}

@Controller('rows')
class RowsController {
  constructor(
    private readonly cats: Cats,
    private readonly payments: Payments,
  ) {}

  @Get('cats/:k/:other')
  findCat(@Param('k') k: string): Promise<Made> {
    return this.cats.findOne(k);
  }

  @Get('payments/:k/:other')
  findPayment(@Param('k') k: string): Promise<Made> {
    return this.payments.findOne(k);
  }

  @Get('evict/:k/:other')
  async evict(@Param('k') k: string): Promise<null> {
    await this.payments.forget(k);
    return null;
  }
}

@Controller('office')
class OfficeController {
  constructor(
    private readonly mail: RequestMail,
    private readonly support: Support,
    private readonly cache: CacheService,
    private readonly source: Source,
    @Inject(getCacheToken('sessions')) private readonly sessions: CacheService,
  ) {}

  @Get('inbox/:k/:other')
  inbox(@Param('k') k: string): Promise<Made> {
    return this.mail.inbox(k);
  }

  @Get('lazyFor/:k/:other')
  lazyFor(@Param('k') k: string, @Param('other') other: string): Promise<Made> {
    return this.support.lazyFor(other, k);
  }

  @Get('putFor/:k/:other')
  putFor(@Param('k') k: string, @Param('other') other: string): Promise<Made> {
    return this.support.putFor(other, k);
  }

  @Get('readFor/:k/:other')
  async readFor(@Param('k') k: string, @Param('other') other: string): Promise<Made | null> {
    return (await this.support.readFor(other, k)) ?? null;
  }

  /** In the cache that says nothing about scopes. */
  @Get('session/:k/:other')
  session(@Param('k') k: string): Promise<Made> {
    return this.sessions.getOrSet(k, () => this.source.query('session', k) as Promise<Made>);
  }

  /** The same key as a session's, in the other cache, and bypassed half of the time. */
  @Get('mine/:k/:other')
  mine(@Param('k') k: string): Promise<Made> {
    return this.cache.getOrSet(k, () => this.source.query('mine', k) as Promise<Made>);
  }

  @Get('clear/:k/:other')
  async clear(): Promise<null> {
    await this.cache.clear();
    return null;
  }
}

/** Knows who asks by what the gateway says. */
@Injectable()
class GatewayGuard implements CanActivate {
  canActivate(execution: ExecutionContext): boolean {
    const request = execution.switchToHttp().getRequest<{ headers: Record<string, string>; user?: unknown }>();
    request.user = { org: request.headers['x-tenant'], sub: request.headers['x-user'] };
    return true;
  }
}

/** Lets a few requests through at a time; one that waits goes on inside of one that leaves. */
class Gate {
  private readonly waiting: (() => void)[] = [];
  private free = 4;

  enter(go: () => void): void {
    if (this.free > 0) {
      this.free--;
      go();
    } else this.waiting.push(go);
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free++;
    else next();
  }
}

function queued(gate: Gate, next: CallHandler): Observable<unknown> {
  return new Observable((subscriber) => {
    gate.enter(() => {
      subscriber.add(() => gate.leave());
      next.handle().subscribe(subscriber);
    });
  });
}

@Injectable()
class Bulkhead implements NestInterceptor {
  private readonly gate = new Gate();
  intercept(_execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    return queued(this.gate, next);
  }
}

/** One for all requests, whichever interceptor it is of. */
@Injectable()
class SharedGate extends Gate {}

@Injectable({ scope: Scope.REQUEST })
class BulkheadOfRequests implements NestInterceptor {
  constructor(
    private readonly gate: SharedGate,
    @Inject(REQUEST) readonly request: unknown,
  ) {}
  intercept(_execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    return queued(this.gate, next);
  }
}

@Module({ providers: [Source], exports: [Source] })
class SourceModule {}

@Module({ imports: [SourceModule], providers: [Cats, Payments], controllers: [RowsController] })
class RowsModule {}

@Module({ imports: [SourceModule], providers: [TeamMail, RequestMail, Support], controllers: [OfficeController] })
class OfficeModule {}

@Module({
  imports: [
    CacheModule.forRoot({
      // Small enough that entries of all users are displaced all the time.
      backend: memory({ maxEntries: 4_000 }),
      scope: { resolve: fromClaims({ tenant: 'org', user: 'sub' }) },
    }),
    CacheModule.forRoot({ name: 'sessions', backend: memory({ maxEntries: 2_000 }) }),
    RowsModule,
    OfficeModule,
  ],
  providers: [
    SharedGate,
    { provide: APP_GUARD, useClass: GatewayGuard },
    { provide: APP_INTERCEPTOR, useClass: Bulkhead },
    { provide: APP_INTERCEPTOR, useClass: BulkheadOfRequests },
  ],
})
export class TeamModule {}

/** Where a verb is asked for. */
export function pathOf(verb: Verb, k: string, other: string): string {
  const controller = ['cats', 'payments', 'evict'].includes(verb) ? 'rows' : 'office';
  return `/${controller}/${verb}/${k}/${other}`;
}

/** What is wrong about an answer; undefined when it is the asker's own. */
export function foreignness(verb: Verb, who: Who, k: string, other: string, made: Made | null): string | undefined {
  if (made === null) return undefined;
  const isForOther = verb.endsWith('For');
  const wanted = {
    site: isForOther ? 'support' : verb,
    t: isForOther ? other : who.tenant,
    u: verb === 'inbox' ? who.user : undefined,
    k,
  };
  const seen = { site: made.site, t: made.t, u: made.u, k: made.k };
  const isOwn = (Object.keys(wanted) as (keyof typeof wanted)[]).every((name) => wanted[name] === seen[name]);
  return isOwn ? undefined : `${verb}: ${JSON.stringify({ wanted, seen })}`;
}
