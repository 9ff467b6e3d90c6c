/**
 * The query builders that applications use, as they are: each begins when it is waited for, and a hook in it asks for
 * the tenant then. Rows of one tenant never become another's entry.
 */
import { createRequire } from 'node:module';
import { Inject, Injectable, type Provider } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { customType, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Knex } from 'knex';
import mongoose, { type Connection } from 'mongoose';
import type { Database } from 'sql.js';
import {
  CACHE_CONTEXT,
  Cacheable,
  type CacheContext,
  type CacheModuleOptions,
  CachePut,
  CacheService,
} from '../../lib/index.js';
import { describeOnMongo } from '../support/mongo/require-mongo.js';
import { cattery, drizzleOn, knexOn } from '../support/queries/sqlite.js';
import { randomPrefix } from '../support/redis/redis-process.js';
import { closeAll, start } from '../unit/nest/support/start.js';

const mongoose8 = createRequire(import.meta.url)('mongoose-8') as typeof mongoose;

const TENANTS = ['acme', 'globex', 'nobody'];
const OPTIONS: CacheModuleOptions = { scope: { default: 'tenant' } };
const QUERY = Symbol('query');

/** Whose rows a query brings, and how often it was run. */
interface Library {
  readonly runs: string[];
  query(): PromiseLike<unknown>;
  close?(): unknown;
}

@Injectable()
class Cats {
  constructor(
    @Inject(QUERY) private readonly query: () => PromiseLike<unknown>,
    readonly cache: CacheService,
  ) {}

  @Cacheable({ context: (tenant: string) => ({ tenant }) })
  of(_tenant: string): PromiseLike<unknown> {
    return this.query();
  }

  @Cacheable({ scope: 'global' })
  ofEverybody(): PromiseLike<unknown> {
    return this.query();
  }

  @Cacheable({ context: (tenant: string) => ({ tenant }), condition: () => false })
  uncached(_tenant: string): PromiseLike<unknown> {
    return this.query();
  }

  @CachePut({ context: (tenant: string) => ({ tenant }), key: 'put' })
  put(_tenant: string): PromiseLike<unknown> {
    return this.query();
  }

  byHand(tenant: string): Promise<unknown> {
    return this.cache.tenant(tenant).getOrSet('cats', () => this.query());
  }

  inScope(tenant: string): Promise<unknown> {
    return this.cache.runInScope({ tenant }, () => this.query());
  }
}

type Way = readonly [string, string, (cats: Cats) => PromiseLike<unknown>];
const WAYS: readonly Way[] = [
  ['@Cacheable with a context', 'globex', (cats) => cats.of('globex')],
  ['@Cacheable for everybody', 'nobody', (cats) => cats.ofEverybody()],
  ['@Cacheable whose condition says no', 'globex', (cats) => cats.uncached('globex')],
  ['@CachePut', 'globex', (cats) => cats.put('globex')],
  ['getOrSet', 'globex', (cats) => cats.byHand('globex')],
  ['runInScope', 'globex', (cats) => cats.inScope('globex')],
];

/** Every way leads to the rows of the tenant of the key, in a request of another; and a query runs once. */
function everyWay(library: (whose: () => string) => Library): void {
  const open: Library[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close?.();
    await closeAll();
  });
  it.each([true, false].flatMap((enabled) => WAYS.map(([name, whose, way]) => ({ name, enabled, whose, way }))))(
    'by $name (enabled: $enabled)',
    async ({ enabled, whose, way }) => {
      const provider: Provider = {
        provide: QUERY,
        inject: [CACHE_CONTEXT],
        useFactory: (context: CacheContext) => {
          const made = library(() => context.scope().tenant ?? 'nobody');
          open.push(made);
          return () => made.query();
        },
      };
      const { get, as } = await start({ ...OPTIONS, enabled }, provider, Cats);
      const rows = await as('acme', async () => way(get(Cats)));
      expect(rows).toMatchObject([{ name: `cat of ${whose}` }]);
      expect(open[0]?.runs).toEqual([whose]);
    },
  );
}

describe('over SQLite', () => {
  let database: Database;
  beforeAll(async () => {
    database = await cattery(TENANTS);
  });
  afterAll(() => database.close());

  describe('a query of knex, with a table for each tenant', () => {
    everyWay((whose) => {
      const runs: string[] = [];
      const wrapIdentifier = (value: string, wrap: (value: string) => string): string =>
        wrap(value === 'cats' ? `cats_${whose()}` : value);
      const knex: Knex = knexOn(database, { wrapIdentifier });
      knex.on('query', () => runs.push(whose()));
      return { runs, query: () => knex('cats').select('name'), close: () => knex.destroy() };
    });
  });

  describe('a query of drizzle, with a parameter that is the tenant', () => {
    everyWay((whose) => {
      const runs: string[] = [];
      const db = drizzleOn(database, () => runs.push(whose()));
      const ofTenant = customType<{ data: string }>({ dataType: () => 'text', toDriver: () => whose() });
      const cats = sqliteTable('cats', { name: text('name'), tenant: ofTenant('tenant') });
      const query = (): Promise<unknown> =>
        db.select({ name: cats.name }).from(cats).where(eq(cats.tenant, 'asked for'));
      return { runs, query };
    });
  });
});

describeOnMongo('a query of mongoose, with a hook that asks for the tenant', (url) => {
  describe.each<[string, typeof mongoose]>([
    ['9', mongoose],
    ['8', mongoose8],
  ])('mongoose %s', (_, { Schema, createConnection }) => {
    const name = randomPrefix();
    let connection: Connection;
    let ask = (): string => 'nobody';
    let runs: string[] = [];
    beforeAll(async () => {
      connection = await createConnection(url()).asPromise();
      const schema = new Schema({ name: String, tenant: String });
      schema.pre('find', async function () {
        runs.push(ask());
        this.where({ tenant: ask() });
      });
      const Cat = connection.model(name, schema);
      await Cat.insertMany(TENANTS.map((tenant) => ({ name: `cat of ${tenant}`, tenant })));
    });
    afterAll(async () => {
      await connection.dropCollection(connection.model(name).collection.collectionName);
      await connection.close();
    });
    everyWay((whose) => {
      ask = whose;
      runs = [];
      return { runs, query: () => connection.model(name).find().lean() as never };
    });
  });
});
