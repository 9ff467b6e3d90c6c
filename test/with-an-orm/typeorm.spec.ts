/** docs/guides/with-an-orm.md on TypeORM, over an SQLite in this process. */
import { Injectable } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Column,
  DataSource,
  DeleteDateColumn,
  Entity,
  type EntitySubscriberInterface,
  ManyToOne,
  PrimaryGeneratedColumn,
  type QueryRunner,
  type Relation,
} from 'typeorm';
import { Cacheable, CachePut, CacheService } from 'nestjs-scoped-cache';
import { closeAll, start, type Started } from '../unit/nest/support/start.js';

@Entity()
class Owner {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('text')
  name!: string;
}

@Entity()
class Cat {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('text')
  name!: string;

  @Column('decimal', { precision: 10, scale: 2 })
  price!: number;

  @Column('datetime')
  bornAt!: Date;

  @DeleteDateColumn()
  deletedAt!: Date | null;

  @ManyToOne(() => Owner)
  owner!: Relation<Owner>;

  get title(): string {
    return `${this.name} of ${this.owner.name}`;
  }
}

@Injectable()
class EntitiesService {
  loads = 0;

  constructor(private readonly db: DataSource) {}

  @Cacheable({ namespace: 'cats' })
  async list(): Promise<Cat[]> {
    this.loads++;
    return await this.db.getRepository(Cat).find({ relations: { owner: true } });
  }

  @Cacheable({ namespace: 'cats' })
  async first(): Promise<{ cat: Cat | null }> {
    return { cat: await this.db.getRepository(Cat).findOneBy({}) };
  }
}

@Injectable()
class CatsService {
  loads = 0;

  constructor(private readonly db: DataSource) {}

  @Cacheable({ tags: ['cats'] })
  async list(): Promise<CatView[]> {
    this.loads++;
    const cats = await this.db.getRepository(Cat).find({ relations: { owner: true } });
    return cats.map(viewOf);
  }

  @Cacheable({ namespace: 'cat', key: (id: number) => [id] })
  async one(id: number): Promise<CatView | null> {
    this.loads++;
    const cat = await this.db.getRepository(Cat).findOne({ where: { id }, relations: { owner: true } });
    return cat === null ? null : viewOf(cat);
  }

  @CachePut({ namespace: 'cat', key: (id: number) => [id] })
  async rename(id: number, name: string): Promise<CatView> {
    const cats = this.db.getRepository(Cat);
    const cat = await cats.findOneOrFail({ where: { id }, relations: { owner: true } });
    return viewOf(await cats.save(cats.merge(cat, { name })));
  }
}

interface CatView {
  readonly id: number;
  readonly name: string;
  readonly bornAt: Date;
  readonly owner: string;
}

function viewOf({ id, name, bornAt, owner }: Cat): CatView {
  return { id, name, bornAt, owner: owner.name };
}

/** Invalidates what a transaction changed, once it has committed. */
@Injectable()
class CacheSubscriber implements EntitySubscriberInterface<Cat> {
  constructor(
    db: DataSource,
    private readonly cache: CacheService,
  ) {
    db.subscribers.push(this);
  }

  listenTo(): typeof Cat {
    return Cat;
  }

  afterInsert = (event: Changed): Promise<void> => this.change(event);
  afterUpdate = (event: Changed): Promise<void> => this.change(event);
  afterRemove = (event: Changed): Promise<void> => this.change(event);
  afterSoftRemove = (event: Changed): Promise<void> => this.change(event);
  afterRecover = (event: Changed): Promise<void> => this.change(event);

  async change({ queryRunner }: Changed): Promise<void> {
    // update(), delete() and upsert() open no transaction: their statement has committed by now, and no other hook comes.
    if (!queryRunner.isTransactionActive) await this.cache.invalidateTags(['cats']);
    else queryRunner.data['cats'] = true;
  }

  async afterTransactionCommit({ queryRunner }: Changed): Promise<void> {
    // Called for each savepoint, too (save() makes one): only the last commit is one.
    if (queryRunner.isTransactionActive || queryRunner.data['cats'] !== true) return;
    queryRunner.data['cats'] = false;
    await this.cache.invalidateTags(['cats']);
  }

  afterTransactionRollback({ queryRunner }: Changed): void {
    if (!queryRunner.isTransactionActive) queryRunner.data['cats'] = false;
  }
}

type Changed = { readonly queryRunner: QueryRunner };

let db: DataSource;

beforeEach(async () => {
  db = await new DataSource({ type: 'sqljs', entities: [Cat, Owner], synchronize: true }).initialize();
  const owner = await db.getRepository(Owner).save({ name: 'Ann' });
  await db.getRepository(Cat).save({ name: 'Tom', price: 12.5, bornAt: new Date(0), owner });
});
afterEach(async () => {
  await closeAll();
  await db.destroy();
});

const begin = (options: Parameters<typeof start>[0], ...types: Parameters<typeof start>[1][]): Promise<Started> =>
  start(options, { provide: DataSource, useValue: db }, ...types);

describe('entities of TypeORM', () => {
  it('are not stored, and a line for each method says of what class they are and what to write', async () => {
    const { get, log, cache } = await begin({}, EntitiesService);
    const service = get(EntitiesService);
    expect((await service.list())[0]).toBeInstanceOf(Cat);
    expect((await service.list())[0]!.title).toBe('Tom of Ann');
    await service.first();
    expect(service.loads).toBe(2);
    expect((await cache.totals()).size).toBe(0);
    expect(log.of('Cache')).toEqual([
      'warn Results of EntitiesService.list (namespace "cats") are not stored; the caller was answered all the same: ' +
        'value[0] is an instance of Cat, a class that is not registered. Map it to a plain object, or register the class: codec: { types: [Cat] }. [Cache]',
      expect.stringContaining('EntitiesService.first (namespace "cats") are not stored'),
    ]);
  });

  it('are stored when they are registered, with relations, dates and getters', async () => {
    const { get } = await begin({ codec: { types: [Cat, Owner] } }, EntitiesService);
    await get(EntitiesService).list();
    const [cat] = await get(EntitiesService).list();
    expect(get(EntitiesService).loads).toBe(1);
    expect(cat).toBeInstanceOf(Cat);
    expect(cat!.owner).toBeInstanceOf(Owner);
    expect(cat!.title).toBe('Tom of Ann');
    expect(cat!.bornAt).toEqual(new Date(0));
  });
});

describe('plain results', () => {
  it('are stored', async () => {
    const { get } = await begin({}, CatsService);
    await get(CatsService).list();
    expect(await get(CatsService).list()).toEqual([{ id: 1, name: 'Tom', bornAt: new Date(0), owner: 'Ann' }]);
    expect(get(CatsService).loads).toBe(1);
  });

  it('of save() take the place of the entry', async () => {
    const { get } = await begin({}, CatsService);
    const cats = get(CatsService);
    await cats.one(1);
    await cats.rename(1, 'Kit');
    expect(await cats.one(1)).toMatchObject({ name: 'Kit', owner: 'Ann' });
    expect(cats.loads).toBe(1);
  });
});

describe('a subscriber', () => {
  it('invalidates when a transaction has committed, and not before', async () => {
    const { get, events } = await begin({}, CatsService, CacheSubscriber);
    await get(CatsService).list();
    await db.transaction(async (em) => {
      await em.getRepository(Cat).update(1, { name: 'Kit' });
      expect(events.of('invalidate')).toHaveLength(0);
    });
    expect(events.of('invalidate')).toHaveLength(1);
    expect((await get(CatsService).list())[0]!.name).toBe('Kit');
  });

  it('takes the savepoint of a save() inside for no commit', async () => {
    const { get, events } = await begin({}, CatsService, CacheSubscriber);
    await get(CatsService).list();
    await db.transaction(async (em) => {
      await em.getRepository(Cat).save({ id: 1, name: 'Kit' });
      expect(events.of('invalidate')).toHaveLength(0);
      const inner = em.transaction(async (nested) => {
        await nested.getRepository(Cat).update(1, { name: 'never was' });
        throw new Error('changed its mind');
      });
      await expect(inner).rejects.toThrow('changed its mind');
    });
    expect(events.of('invalidate')).toHaveLength(1);
    expect((await get(CatsService).list())[0]!.name).toBe('Kit');
  });

  it('invalidates nothing when it rolls back', async () => {
    const { get, events } = await begin({}, CatsService, CacheSubscriber);
    await get(CatsService).list();
    const failing = db.transaction(async (em) => {
      await em.getRepository(Cat).update(1, { name: 'never was' });
      throw new Error('changed its mind');
    });
    await expect(failing).rejects.toThrow('changed its mind');
    expect(events.of('invalidate')).toHaveLength(0);
    expect((await get(CatsService).list())[0]!.name).toBe('Tom');
    expect(get(CatsService).loads).toBe(1);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['update()', () => db.getRepository(Cat).update(1, { name: 'Kit' })],
    ['save()', () => db.getRepository(Cat).save({ id: 1, name: 'Kit' })],
    ['upsert()', () => db.getRepository(Cat).upsert({ id: 1, name: 'Kit', price: 1, bornAt: new Date(0) }, ['id'])],
    ['softDelete()', () => db.getRepository(Cat).softDelete(1)],
    ['delete()', () => db.getRepository(Cat).delete(1)],
  ])('hears of %s outside of a transaction', async (_, change) => {
    const { get, events } = await begin({}, CatsService, CacheSubscriber);
    await get(CatsService).list();
    await change();
    expect(events.of('invalidate')).toHaveLength(1);
    await get(CatsService).list();
    expect(get(CatsService).loads).toBe(2);
  });

  it('hears of soft deletes, after which finds no longer see the row', async () => {
    const { get } = await begin({}, CatsService, CacheSubscriber);
    await get(CatsService).list();
    await db.getRepository(Cat).softRemove({ id: 1 });
    expect(await get(CatsService).list()).toEqual([]);
  });
});
