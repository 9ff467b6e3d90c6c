/** docs/guides/with-an-orm.md on Drizzle, over an SQLite in this process. */
import { Injectable } from '@nestjs/common';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eq, sql } from 'drizzle-orm';
import { drizzle, type SQLJsDatabase } from 'drizzle-orm/sql-js';
import { blob, integer, numeric, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import initSqlJs, { type Database } from 'sql.js';
import { Cacheable, CachePut, CacheService } from 'nestjs-scoped-cache';
import { closeAll, start } from '../unit/nest/support/start.js';

const cats = sqliteTable('cats', {
  id: integer().primaryKey(),
  name: text().notNull(),
  price: numeric().notNull(),
  views: blob({ mode: 'bigint' }).notNull(),
  bornAt: integer({ mode: 'timestamp_ms' }).notNull(),
  deletedAt: integer({ mode: 'timestamp_ms' }),
});
type Cat = typeof cats.$inferSelect;

class Db {
  constructor(readonly drizzle: SQLJsDatabase) {}
}

@Injectable()
class CatsService {
  loads = 0;

  constructor(
    private readonly db: Db,
    private readonly cache: CacheService,
  ) {}

  @Cacheable({ namespace: 'cat', key: (id: number) => [id] })
  async one(id: number): Promise<Cat | null> {
    this.loads++;
    const [cat] = await this.db.drizzle.select().from(cats).where(eq(cats.id, id));
    return cat ?? null;
  }

  @CachePut({ namespace: 'cat', key: (id: number) => [id] })
  async rename(id: number, name: string): Promise<Cat | null> {
    const [cat] = await this.db.drizzle.update(cats).set({ name }).where(eq(cats.id, id)).returning();
    return cat ?? null;
  }

  async renameAll(name: string): Promise<void> {
    this.db.drizzle.transaction((tx) => {
      tx.update(cats).set({ name }).run();
      if (name === '') throw new Error('a cat has a name');
    });
    // Only reached once the transaction has committed.
    await this.cache.namespace('cat').clear();
  }
}

let sqlite: Database;
let db: Db;

beforeEach(async () => {
  sqlite = new (await initSqlJs()).Database();
  db = new Db(drizzle(sqlite as never));
  db.drizzle.run(
    sql`create table cats (id integer primary key, name text, price numeric, views blob, bornAt integer, deletedAt integer)`,
  );
  await db.drizzle.insert(cats).values({ name: 'Tom', price: '12.50', views: 2n ** 60n, bornAt: new Date(0) });
});
afterEach(async () => {
  await closeAll();
  sqlite.close();
});

it('rows are plain: stored as they are, with bigints and dates', async () => {
  const { get } = await start({}, { provide: Db, useValue: db }, CatsService);
  const first = await get(CatsService).one(1);
  expect(await get(CatsService).one(1)).toEqual(first);
  expect(first).toMatchObject({ name: 'Tom', views: 2n ** 60n, bornAt: new Date(0), deletedAt: null });
  expect(get(CatsService).loads).toBe(1);
});

it('what returning() gives takes the place of the entry', async () => {
  const { get } = await start({}, { provide: Db, useValue: db }, CatsService);
  await get(CatsService).one(1);
  await get(CatsService).rename(1, 'Kit');
  expect(await get(CatsService).one(1)).toMatchObject({ name: 'Kit', bornAt: new Date(0) });
  expect(get(CatsService).loads).toBe(1);
});

it('a transaction is followed by its invalidation when it commits, and by none when it rolls back', async () => {
  const { get } = await start({}, { provide: Db, useValue: db }, CatsService);
  const service = get(CatsService);
  await service.one(1);
  await expect(service.renameAll('')).rejects.toThrow('a cat has a name');
  expect(await service.one(1)).toMatchObject({ name: 'Tom' });
  expect(service.loads).toBe(1);
  await service.renameAll('Kit');
  expect(await service.one(1)).toMatchObject({ name: 'Kit' });
});
