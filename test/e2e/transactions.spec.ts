/** The pattern of the guide for loads and evictions inside a transaction, on a database that rolls back. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Database } from 'sql.js';
import { Cacheable, CacheService } from '../../lib/index.js';
import { cattery } from '../support/queries/sqlite.js';
import { closeAll, start } from '../unit/nest/support/start.js';

const transaction = new AsyncLocalStorage<{ readonly afterCommit: (() => Promise<unknown>)[] }>();
let database: Database;

beforeEach(async () => {
  database = await cattery(['acme']);
});
afterEach(async () => {
  await closeAll();
  database.close();
});

@Injectable()
class Cats {
  constructor(private readonly cache: CacheService) {}

  @Cacheable({ tags: ['cats'], condition: () => transaction.getStore() === undefined })
  async name(): Promise<unknown> {
    const found = database.prepare('select name from cats_acme');
    found.step();
    return found.getAsObject()['name'];
  }

  rename(name: string): void {
    database.run('update cats_acme set name = ?', [name]);
    transaction.getStore()?.afterCommit.push(() => this.cache.invalidateTags(['cats']));
  }

  async inTransaction(work: () => Promise<unknown>): Promise<void> {
    const afterCommit: (() => Promise<unknown>)[] = [];
    database.run('begin');
    try {
      await transaction.run({ afterCommit }, work);
    } catch {
      database.run('rollback');
      return;
    }
    database.run('commit');
    for (const evict of afterCommit) await evict();
  }
}

it('what is loaded in a transaction that rolls back is served to nobody else', async () => {
  const { get } = await start({}, Cats);
  const cats = get(Cats);
  await cats.inTransaction(async () => {
    cats.rename('never was');
    expect(await cats.name()).toBe('never was');
    throw new Error('changed its mind');
  });
  expect(await cats.name()).toBe('cat of acme');
});

it('what a transaction changes is evicted when it has committed, and not before', async () => {
  const { get, events } = await start({}, Cats);
  const cats = get(Cats);
  await cats.name();
  await cats.inTransaction(async () => {
    cats.rename('Tom');
    await cats.name();
    expect(events.of('invalidate')).toHaveLength(0);
  });
  expect(events.of('invalidate')).toHaveLength(1);
  expect(await cats.name()).toBe('Tom');
});
