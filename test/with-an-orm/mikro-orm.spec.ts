/** docs/guides/with-an-orm.md on MikroORM, over a file of SQLite, which readers and a transaction share. */
import { AsyncResource } from 'node:async_hooks';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Entity,
  type EventSubscriber,
  type FlushEventArgs,
  ManyToOne,
  PrimaryKey,
  Property,
  serialize,
  type TransactionEventArgs,
  wrap,
} from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/libsql';
import { Cacheable, CacheService } from 'nestjs-scoped-cache';
import { closeAll, start, type Started } from '../unit/nest/support/start.js';

@Entity()
class Owner {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  name!: string;
}

@Entity()
class Cat {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'decimal', precision: 10, scale: 2 })
  price!: string;

  @Property({ type: 'datetime' })
  bornAt!: Date;

  @ManyToOne(() => Owner)
  owner!: Owner;
}

@Injectable()
class CatsService {
  loads = 0;
  /** What happens elsewhere before a commit. */
  meanwhile: () => Promise<unknown> = async () => undefined;

  constructor(
    private readonly orm: MikroORM,
    private readonly cache: CacheService,
  ) {}

  @Cacheable()
  async entities(): Promise<Cat[]> {
    this.loads++;
    return await this.orm.em.fork().findAll(Cat);
  }

  @Cacheable()
  async pojos() {
    this.loads++;
    const cats = await this.orm.em.fork().findAll(Cat, { populate: ['owner'] });
    return cats.map((cat) => wrap(cat).toPOJO());
  }

  @Cacheable()
  async serialized() {
    this.loads++;
    const cats = await this.orm.em.fork().findAll(Cat, { populate: ['owner'] });
    return serialize(cats, { populate: ['owner'] });
  }

  @Cacheable({ tags: (id: number) => [`cat:${id}`] })
  async name(id: number): Promise<string> {
    this.loads++;
    return (await this.orm.em.fork().findOneOrFail(Cat, id)).name;
  }

  async rename(id: number, name: string): Promise<void> {
    await this.orm.em.fork().transactional(async (em) => {
      (await em.findOneOrFail(Cat, id)).name = name;
      await em.flush();
      await this.meanwhile();
    });
    // Only reached once the transaction has committed.
    await this.cache.invalidateTags([`cat:${id}`]);
  }

  /** The wrong order: what reads before the commit reads the old row, and its entry is newer than the invalidation. */
  async renameTooEarly(id: number, name: string): Promise<void> {
    await this.orm.em.fork().transactional(async (em) => {
      (await em.findOneOrFail(Cat, id)).name = name;
      await em.flush();
      await this.cache.invalidateTags([`cat:${id}`]);
      await this.meanwhile();
    });
  }
}

/** Invalidates what a transaction changed, once it has committed. */
@Injectable()
class CacheSubscriber implements EventSubscriber {
  /** Open transactions, and what was changed in them. */
  private readonly open = new Map<unknown, string[]>();

  constructor(
    orm: MikroORM,
    private readonly cache: CacheService,
  ) {
    orm.em.getEventManager().registerSubscriber(this);
  }

  async afterFlush({ uow, em }: FlushEventArgs): Promise<void> {
    const cats = uow.getChangeSets().filter(({ entity }) => entity instanceof Cat);
    const tags = cats.map(({ entity }) => `cat:${(entity as Cat).id}`);
    const transaction: unknown = em.getTransactionContext();
    // A flush outside of a transaction has committed one of its own by now.
    if (transaction === undefined) return this.invalidate(tags);
    const noted = this.open.get(transaction);
    // A transaction inside another is a savepoint, and does not say whose.
    for (const each of noted === undefined ? this.open.values() : [noted]) each.push(...tags);
  }

  afterTransactionStart({ transaction }: TransactionEventArgs): void {
    this.open.set(transaction, []);
  }

  async afterTransactionCommit({ transaction }: TransactionEventArgs): Promise<void> {
    const tags = this.open.get(transaction) ?? [];
    this.open.delete(transaction);
    await this.invalidate(tags);
  }

  afterTransactionRollback({ transaction }: TransactionEventArgs): void {
    this.open.delete(transaction);
  }

  private async invalidate(tags: readonly string[]): Promise<void> {
    if (tags.length > 0) await this.cache.invalidateTags(tags);
  }
}

let folder: string;
let orm: MikroORM;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'with-an-orm-'));
  orm = await MikroORM.init({
    dbName: join(folder, 'cats.db'),
    entities: [Cat, Owner],
    // A reader and an open transaction have connections of their own.
    pool: { min: 1, max: 2 },
  });
  await orm.em.getConnection().execute('pragma journal_mode = wal');
  await orm.schema.createSchema();
  const em = orm.em.fork();
  const owner = em.create(Owner, { name: 'Ann' });
  em.create(Cat, { name: 'Tom', price: '12.50', bornAt: new Date(0), owner });
  await em.flush();
});
afterEach(async () => {
  await closeAll();
  await orm.close();
  rmSync(folder, { recursive: true });
});

const begin = (options: Parameters<typeof start>[0] = {}, ...types: Parameters<typeof start>[1][]): Promise<Started> =>
  start(options, { provide: MikroORM, useValue: orm }, CatsService, ...types);

describe('entities of MikroORM', () => {
  it('are not stored, and the line says what makes them plain', async () => {
    const { get, log, cache } = await begin();
    const cats = get(CatsService);
    await cats.entities();
    expect((await cats.entities())[0]).toBeInstanceOf(Cat);
    expect(cats.loads).toBe(2);
    expect((await cache.totals()).size).toBe(0);
    expect(log.of('Cache')).toEqual([
      'warn Results of CatsService.entities (namespace "CatsService.entities") are not stored; the caller was answered all the same: value[0] is an entity of MikroORM (Cat), ' +
        'which cannot be stored. Return wrap(entity).toPOJO() or serialize(entity), or map it to a plain object. [Cache]',
    ]);
  });

  it('are no data: registering their class does not make them storable', async () => {
    const { get, log, cache } = await begin({ codec: { types: [Cat, Owner] } });
    await get(CatsService).entities();
    expect((await cache.totals()).size).toBe(0);
    expect(log.of('Cache')).toEqual([
      expect.stringContaining('value[0] is an entity of MikroORM (Cat), which cannot be stored'),
    ]);
  });

  it.each(['pojos', 'serialized'] as const)('are stored as %s, with their relations', async (method) => {
    const { get } = await begin();
    const first = await get(CatsService)[method]();
    expect(await get(CatsService)[method]()).toEqual(first);
    expect(first).toMatchObject([{ name: 'Tom', owner: { name: 'Ann' } }]);
    expect(get(CatsService).loads).toBe(1);
  });
});

describe('a transaction', () => {
  /** Lets a caller that has nothing to do with the transaction read before it commits. */
  function readsMeanwhile(cats: CatsService): { readonly seen: string[] } {
    const seen: string[] = [];
    // Bound here: inside the transaction MikroORM would give the reader its entity manager.
    cats.meanwhile = AsyncResource.bind(async () => seen.push(await cats.name(1)));
    return { seen };
  }

  it('whose invalidation comes before the commit leaves the old row in the cache', async () => {
    const { get } = await begin();
    const cats = get(CatsService);
    await cats.name(1);
    const { seen } = readsMeanwhile(cats);
    await cats.renameTooEarly(1, 'Kit');
    expect(seen).toEqual(['Tom']);
    expect(await orm.em.fork().findOneOrFail(Cat, 1)).toMatchObject({ name: 'Kit' });
    expect(await cats.name(1)).toBe('Tom');
  });

  it('whose invalidation comes after the commit does not', async () => {
    const { get } = await begin();
    const cats = get(CatsService);
    await cats.name(1);
    const { seen } = readsMeanwhile(cats);
    await cats.rename(1, 'Kit');
    expect(seen).toEqual(['Tom']);
    expect(await cats.name(1)).toBe('Kit');
  });

  it('that rolls back invalidates nothing', async () => {
    const { get, events } = await begin();
    const cats = get(CatsService);
    await cats.name(1);
    cats.meanwhile = () => Promise.reject(new Error('changed its mind'));
    const failing = cats.rename(1, 'never was');
    await expect(failing).rejects.toThrow('changed its mind');
    expect(events.of('invalidate')).toHaveLength(0);
    expect(await cats.name(1)).toBe('Tom');
    expect(cats.loads).toBe(1);
  });
});

describe('a subscriber', () => {
  it('invalidates when a transaction has committed, and not before', async () => {
    const { get, events } = await begin({}, CacheSubscriber);
    const cats = get(CatsService);
    await cats.name(1);
    await orm.em.fork().transactional(async (em) => {
      (await em.findOneOrFail(Cat, 1)).name = 'Kit';
      await em.flush();
      expect(events.of('invalidate')).toHaveLength(0);
    });
    expect(events.of('invalidate')).toHaveLength(1);
    expect(await cats.name(1)).toBe('Kit');
  });

  it('takes a transaction inside another for no commit', async () => {
    const { get, events } = await begin({}, CacheSubscriber);
    await get(CatsService).name(1);
    await orm.em.fork().transactional(async (em) => {
      await em.transactional(async (inner) => {
        (await inner.findOneOrFail(Cat, 1)).name = 'Kit';
      });
      await em.flush();
      expect(events.of('invalidate')).toHaveLength(0);
    });
    expect(events.of('invalidate')).toHaveLength(1);
    expect(await get(CatsService).name(1)).toBe('Kit');
  });

  it('invalidates nothing when it rolls back', async () => {
    const { get, events } = await begin({}, CacheSubscriber);
    await get(CatsService).name(1);
    const failing = orm.em.fork().transactional(async (em) => {
      (await em.findOneOrFail(Cat, 1)).name = 'never was';
      await em.flush();
      throw new Error('changed its mind');
    });
    await expect(failing).rejects.toThrow('changed its mind');
    expect(events.of('invalidate')).toHaveLength(0);
    expect(await get(CatsService).name(1)).toBe('Tom');
  });

  it('hears of a flush that is a transaction of its own', async () => {
    const { get } = await begin({}, CacheSubscriber);
    await get(CatsService).name(1);
    const em = orm.em.fork();
    (await em.findOneOrFail(Cat, 1)).name = 'Kit';
    await em.flush();
    expect(await get(CatsService).name(1)).toBe('Kit');
  });
});
