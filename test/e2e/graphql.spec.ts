import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Inject, Injectable, Module, type DynamicModule, type INestApplication } from '@nestjs/common';
import {
  Args,
  Context,
  Field,
  GraphQLModule,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { Test } from '@nestjs/testing';
import { CACHE_CONTEXT, Cacheable, type CacheContext, CacheModule, fromClaims, memory } from '../../lib/index.js';
import { Notes, type Action, type Seen, type Who } from './support/notes.js';
import { PEOPLE, proveIsolation } from './support/prove-isolation.js';
import { KeptLog } from './support/quiet.js';

// Real servers on a machine that may be busy.
jest.setTimeout(30_000);

@ObjectType()
class Shelf {
  @Field(() => String)
  key!: string;
}

@Injectable()
class Labels {
  runs = 0;

  constructor(@Inject(CACHE_CONTEXT) private readonly context: CacheContext) {}

  /** Shared by all: needs no scope wherever it is called. */
  @Cacheable({ scope: 'global' })
  async of(key: string): Promise<string> {
    return `${key} ${++this.runs} ${this.context.scope().tenant ?? 'nobody'}`;
  }
}

@Resolver(() => Shelf)
class ShelfResolver {
  private shelves = 0;

  constructor(
    private readonly notes: Notes,
    private readonly labels: Labels,
  ) {}

  @Query(() => String)
  async act(
    @Args('action', { type: () => String }) action: Action,
    @Args('key', { type: () => String }) key: string,
  ): Promise<string> {
    return JSON.stringify((await this.notes.act(action, key)) ?? null);
  }

  @Query(() => Shelf)
  async shelf(@Args('key', { type: () => String }) key: string): Promise<Shelf> {
    return { key };
  }

  /** A decorated resolver: the context argument of GraphQL is no HTTP response that it answers by hand. */
  @Query(() => Shelf)
  @Cacheable({ scope: 'tenant', ignoreArgs: ['_context'] })
  async cachedShelf(@Args('key', { type: () => String }) key: string, @Context() _context: unknown): Promise<Shelf> {
    return { key: `${key} ${(await this.notes.board(key)).t} ${++this.shelves}` };
  }

  @ResolveField(() => String)
  async board(@Parent() shelf: Shelf): Promise<string> {
    return JSON.stringify(await this.notes.board(shelf.key));
  }

  @ResolveField(() => String)
  async mine(@Parent() shelf: Shelf): Promise<string> {
    return JSON.stringify(await this.notes.mine(shelf.key));
  }

  @ResolveField(() => String)
  async label(@Parent() shelf: Shelf): Promise<string> {
    return this.labels.of(shelf.key);
  }
}

/** What resolvers threw. */
const thrown: ({ readonly hint?: string } | undefined)[] = [];

@Module({})
class GraphqlModule {
  static with(fieldResolverEnhancers: ApolloDriverConfig['fieldResolverEnhancers']): DynamicModule {
    return {
      module: GraphqlModule,
      imports: [
        CacheModule.forRoot({
          backend: memory(),
          scope: { resolve: fromClaims({ tenant: 'tid', user: 'sub' }) },
        }),
        GraphQLModule.forRoot<ApolloDriverConfig>({
          driver: ApolloDriver,
          autoSchemaFile: true,
          allowBatchedHttpRequests: true,
          playground: false,
          csrfPrevention: false,
          fieldResolverEnhancers: fieldResolverEnhancers ?? [],
          formatError: (formatted, error) => {
            thrown.push((error as { readonly originalError?: { readonly hint?: string } }).originalError);
            return formatted;
          },
        }),
      ],
      providers: [ShelfResolver, Notes, Labels],
    };
  }
}

interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { readonly message: string; readonly path?: readonly string[] }[];
}

describe.each([
  ['without', []],
  ['with', ['interceptors']],
] as const)('GraphQL %s interceptors on fields', (which, enhancers) => {
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [GraphqlModule.with([...enhancers])] })
      .setLogger(new KeptLog())
      .compile();
    app = module.createNestApplication();
    app.use((request: { headers: Record<string, string>; user?: unknown }, _: unknown, next: () => void) => {
      const [tid, sub] = (request.headers['authorization'] ?? '').split('/');
      request.user = { tid: tid || undefined, sub: sub || undefined };
      next();
    });
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/graphql`;
  });
  afterAll(() => app.close());

  const post = async (who: Who, body: unknown): Promise<unknown> => {
    const headers = { 'content-type': 'application/json', authorization: `${who.tenant ?? ''}/${who.user ?? ''}` };
    return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json();
  };
  const query = async (who: Who, text: string): Promise<Answer> => (await post(who, { query: text })) as Answer;
  const act = (action: Action, key: string): string => `{ act(action: "${action}", key: "${key}") }`;
  const parse = (answer: Answer): unknown => {
    if (answer.errors !== undefined) throw new Error(answer.errors[0]?.message);
    return JSON.parse(String(answer.data?.['act'])) as unknown;
  };

  it('keeps two tenants and two users apart in queries, and fails closed without a scope', async () => {
    await proveIsolation(async (who, action, key) => parse(await query(who, act(action, key))));
  });

  it('keeps batches apart, each operation in the scope of its request', async () => {
    const batches = await Promise.all(
      PEOPLE.map(async (who) => ({
        who,
        answers: (await post(
          who,
          (['board', 'mine', 'verbBoard', 'verbMine', 'board'] as const).map((action) => ({
            query: act(action, 'batch'),
          })),
        )) as Answer[],
      })),
    );
    for (const { who, answers } of batches) {
      const [board, mine, verbBoard, verbMine, again] = answers.map((answer) => parse(answer) as Seen);
      expect([board?.t, verbBoard?.t, again?.t]).toEqual([who.tenant, who.tenant, who.tenant]);
      expect([mine?.t, mine?.u, verbMine?.t, verbMine?.u]).toEqual([who.tenant, who.user, who.tenant, who.user]);
      expect(again?.n).toBe(board?.n);
    }
    const nobody = (await post({}, [{ query: act('board', 'batch') }, { query: act('mine', 'batch') }])) as Answer[];
    expect(nobody.map(({ errors }) => errors?.length)).toEqual([1, 1]);
  });

  it('caches a decorated resolver', async () => {
    const text = '{ cachedShelf(key: "c") { key } }';
    for (const _ of [1, 2]) {
      expect((await query(PEOPLE[0], text)).data).toEqual({ cachedShelf: { key: 'c acme 1' } });
      expect((await query(PEOPLE[2], text)).data).toEqual({ cachedShelf: { key: 'c globex 2' } });
    }
    expect((await query({}, text)).errors).toHaveLength(1);
  });

  const nested = '{ a: shelf(key: "n") { board mine } b: shelf(key: "m") { board mine } }';

  const nobody = 'fails closed in fields, which no interceptor reaches';
  const each = 'runs each field in the scope of its request';
  it(which === 'with' ? each : nobody, async () => {
    const answers = await Promise.all(PEOPLE.map((who) => query(who, nested)));
    answers.forEach((answer, index) => {
      const who = PEOPLE[index]!;
      if (which === 'without') {
        expect(answer.errors?.[0]?.message).toBe('No tenant in the current scope.');
        expect(thrown.at(-1)?.hint).toContain("fieldResolverEnhancers: ['interceptors']");
        return;
      }
      const { a, b } = answer.data as Record<'a' | 'b', { board: string; mine: string }>;
      expect(JSON.parse(a.board)).toMatchObject({ t: who.tenant, k: 'n' });
      expect(JSON.parse(a.mine)).toMatchObject({ t: who.tenant, u: who.user, k: 'n' });
      expect(JSON.parse(b.mine)).toMatchObject({ t: who.tenant, u: who.user, k: 'm' });
    });
    expect((await query({}, nested)).errors?.length).toBeGreaterThan(0);
  });

  it('answers everybody from a global entry, whose loader knows no tenant', async () => {
    const text = '{ shelf(key: "g") { label } }';
    const answers = await Promise.all([...PEOPLE, {}].map((who) => query(who, text)));
    expect(answers.map(({ data }) => data)).toEqual(answers.map(() => ({ shelf: { label: 'g 1 nobody' } })));
  });
});
