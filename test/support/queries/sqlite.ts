/** Knex and Drizzle over an SQLite in this process. */
import { drizzle, type SQLJsDatabase } from 'drizzle-orm/sql-js';
import knexOf, { type Knex } from 'knex';
import Sqlite3Client from 'knex/lib/dialects/sqlite3/index.js';
import initSqlJs, { type Database } from 'sql.js';

/** A cat of each tenant, whose name says whose it is: in a table of the tenant's own, and in one of all tenants. */
export async function cattery(tenants: readonly string[]): Promise<Database> {
  const { Database } = await initSqlJs();
  const database = new Database();
  database.run('create table cats (name text, tenant text)');
  for (const tenant of tenants) {
    database.run(`create table cats_${tenant} (name text, tenant text)`);
    for (const table of ['cats', `cats_${tenant}`])
      database.run(`insert into ${table} values (?, ?)`, [`cat of ${tenant}`, tenant]);
  }
  return database;
}

/** Knex itself, its dialect for SQLite and its pool; only the driver below it is another. */
export function knexOn(database: Database, options: Knex.Config): Knex {
  class Client extends Sqlite3Client {
    override _driver(): object {
      return {};
    }

    override async acquireRawConnection(): Promise<object> {
      return {
        all: (sql: string, values: unknown[], done: (error: unknown, rows?: unknown[]) => void) => {
          // As a driver answers: later, from a callback.
          setImmediate(() => {
            try {
              done(null, rowsOf(database, sql, values));
            } catch (error) {
              done(error);
            }
          });
        },
      };
    }

    override async destroyRawConnection(): Promise<void> {}
  }
  return knexOf({
    client: Client as unknown as typeof Knex.Client,
    useNullAsDefault: true,
    connection: { filename: ':memory:' },
    ...options,
  });
}

export function drizzleOn(database: Database, logQuery: () => void): SQLJsDatabase {
  return drizzle(database as never, { logger: { logQuery } });
}

function rowsOf(database: Database, sql: string, values: readonly unknown[]): unknown[] {
  const statement = database.prepare(sql, values);
  const rows: unknown[] = [];
  while (statement.step()) rows.push(statement.getAsObject());
  statement.free();
  return rows;
}
