/** docs/guides/with-an-orm.md on mongoose, on a real server. */
import { Injectable } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import mongoose, { type Connection, type InferSchemaType, type Model, Schema, Types } from 'mongoose';
import { Cacheable, CachePut, cacheType } from 'nestjs-scoped-cache';
import { describeOnMongo } from '../support/mongo/require-mongo.js';
import { randomPrefix } from '../support/redis/redis-process.js';
import { closeAll, start, type Started } from '../unit/nest/support/start.js';

const catSchema = new Schema({
  name: { type: String, required: true },
  price: { type: Schema.Types.Decimal128, required: true },
  owner: { type: Schema.Types.ObjectId, required: true },
  bornAt: { type: Date, required: true },
  marks: { type: Map, of: String },
});
type Cat = InferSchemaType<typeof catSchema>;

/** What lean documents contain beside plain data, as text. */
const bsonTypes = [
  cacheType({
    type: Types.ObjectId,
    name: 'ObjectId',
    toJSON: (id) => id.toHexString(),
    fromJSON: (hex: string) => new Types.ObjectId(hex),
  }),
  cacheType({
    type: Types.Decimal128,
    name: 'Decimal128',
    toJSON: (decimal) => decimal.toString(),
    fromJSON: (text: string) => new Types.Decimal128(text),
  }),
];

class CatModel {
  constructor(readonly model: Model<Cat>) {}
}

@Injectable()
class CatsService {
  loads = 0;

  constructor(private readonly cats: CatModel) {}

  @Cacheable({ namespace: 'cats' })
  async documents() {
    this.loads++;
    return await this.cats.model.find();
  }

  @Cacheable({ namespace: 'cats' })
  async list() {
    this.loads++;
    return await this.cats.model.find().lean();
  }

  @Cacheable({ namespace: 'cats' })
  async views(): Promise<{ id: string; name: string; price: string }[]> {
    this.loads++;
    const cats = await this.cats.model.find().lean();
    return cats.map(({ _id, name, price }) => ({ id: _id.toHexString(), name, price: price.toString() }));
  }

  @Cacheable({ namespace: 'cat', key: (id: Types.ObjectId) => [id.toHexString()] })
  async one(id: Types.ObjectId) {
    this.loads++;
    return await this.cats.model.findById(id).lean();
  }

  @CachePut({ namespace: 'cat', key: (id: Types.ObjectId) => [id.toHexString()] })
  async rename(id: Types.ObjectId, name: string) {
    return await this.cats.model.findByIdAndUpdate(id, { name }, { returnDocument: 'after' }).lean();
  }
}

describeOnMongo('mongoose', (url) => {
  const owner = new Types.ObjectId();
  let connection: Connection;
  let model: Model<Cat>;

  beforeAll(async () => {
    connection = await mongoose.createConnection(url(), { dbName: randomPrefix() }).asPromise();
    model = connection.model<Cat>('Cat', catSchema);
  });
  beforeEach(async () => {
    await model.deleteMany();
    const price = Types.Decimal128.fromString('12.50');
    await model.create({ name: 'Tom', price, owner, bornAt: new Date(0), marks: new Map([['ear', 'left']]) });
  });
  afterEach(() => closeAll());
  afterAll(async () => {
    // The server goes first, where it is ours.
    await connection.destroy();
  });

  const begin = (options: Parameters<typeof start>[0]): Promise<Started> =>
    start(options, { provide: CatModel, useValue: new CatModel(model) }, CatsService);

  it('documents are not stored, and the line says .lean()', async () => {
    const { get, log, cache } = await begin({ codec: { types: bsonTypes } });
    await get(CatsService).documents();
    expect((await get(CatsService).documents())[0]).toBeInstanceOf(model);
    expect(get(CatsService).loads).toBe(2);
    expect((await cache.totals()).size).toBe(0);
    expect(log.of('Cache')).toEqual([
      'warn Results of CatsService.documents (namespace "cats") are not stored; the caller was answered all the same: value[0] is a document of mongoose (model Cat), ' +
        'which cannot be stored. End the query with .lean(), or return toObject() of the document. [Cache]',
    ]);
  });

  it('lean documents contain classes of BSON, which are named', async () => {
    const { get, log } = await begin({});
    await get(CatsService).list();
    expect(log.of('Cache')).toEqual([
      expect.stringContaining('value[0].price is an instance of Decimal128, a class that is not registered'),
    ]);
  });

  it('lean documents are stored once those classes are registered, and come back as they were', async () => {
    const { get } = await begin({ codec: { types: bsonTypes } });
    const first = await get(CatsService).list();
    const [cat] = await get(CatsService).list();
    expect(get(CatsService).loads).toBe(1);
    expect(cat).toEqual(first[0]);
    expect(cat!.owner.equals(owner)).toBe(true);
    expect(cat!.price).toBeInstanceOf(Types.Decimal128);
    expect(cat!.price.toString()).toBe('12.50');
    expect(cat!.bornAt).toEqual(new Date(0));
    // A Map of the schema is a plain object in a lean document.
    expect(cat!.marks).toEqual({ ear: 'left' });
  });

  it('what is mapped to text needs no registration', async () => {
    const { get } = await begin({});
    await get(CatsService).views();
    expect(await get(CatsService).views()).toEqual([{ id: expect.any(String), name: 'Tom', price: '12.50' }]);
    expect(get(CatsService).loads).toBe(1);
  });

  it('what an update returns takes the place of the entry', async () => {
    const { get } = await begin({ codec: { types: bsonTypes } });
    const { _id: id } = (await model.findOne().lean())!;
    await get(CatsService).one(id);
    await get(CatsService).rename(id, 'Kit');
    expect(await get(CatsService).one(id)).toMatchObject({ name: 'Kit' });
    expect(get(CatsService).loads).toBe(1);
  });
});
