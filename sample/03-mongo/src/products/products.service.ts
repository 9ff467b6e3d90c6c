import { ForbiddenException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { CACHE_CONTEXT, Cacheable, CacheEvict, type CacheContext } from 'nestjs-scoped-cache';
import { Product } from './product.schema.js';

/** What callers get, and what is cached: plain data. A mongoose document is bound to its connection and is refused. */
export interface ProductView {
  readonly sku: string;
  readonly name: string;
  readonly price: number;
}

/**
 * No method says whose products it means: the cache has the tenant in every key, and the queries take it from the same
 * place.
 */
@Injectable()
export class ProductsService {
  /** How often the collection of products was asked: what the cache saves. */
  queries = 0;

  constructor(
    @InjectModel(Product.name) private readonly products: Model<Product>,
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
  ) {}

  @Cacheable({ ttl: '10m', tags: ['products'] })
  async list(): Promise<ProductView[]> {
    this.queries++;
    const found = await this.products.find({ org: this.org }).sort({ sku: 1 }).lean().exec();
    return found.map(viewOf);
  }

  @Cacheable({ ttl: '10m', tags: (sku: string) => [`product:${sku}`] })
  async findOne(sku: string): Promise<ProductView> {
    this.queries++;
    const found = await this.products.findOne({ org: this.org, sku }).lean().exec();
    if (found === null) throw new NotFoundException(`There is no product ${sku}`);
    return viewOf(found);
  }

  /** When this has settled, no process serves the old price any more: not by the list either. */
  @CacheEvict({ tags: (sku: string) => ['products', `product:${sku}`] })
  async setPrice(sku: string, price: number): Promise<void> {
    const { matchedCount } = await this.products.updateOne({ org: this.org, sku }, { $set: { price } }).exec();
    if (matchedCount === 0) throw new NotFoundException(`There is no product ${sku}`);
  }

  /** The tenant of whoever is asking: a proven text, so nothing else can stand in the query. */
  private get org(): string {
    const { tenant } = this.context.scope();
    if (tenant === undefined) throw new ForbiddenException('For which company?');
    return tenant;
  }
}

function viewOf({ sku, name, price }: ProductView): ProductView {
  return { sku, name, price };
}
