import { Module } from '@nestjs/common';
import { InjectModel, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { Product, ProductSchema } from './product.schema.js';
import { ProductsController } from './products.controller.js';
import { ProductsService } from './products.service.js';

/** What both companies sell, to begin with. */
const STOCK = ['acme', 'globex'].flatMap((org) => [
  { org, sku: 'anvil', name: `Anvil of ${org}`, price: 120 },
  { org, sku: 'rope', name: `Rope of ${org}`, price: 12.5 },
]);

@Module({
  imports: [MongooseModule.forFeature([{ name: Product.name, schema: ProductSchema }])],
  controllers: [ProductsController],
  providers: [ProductsService],
})
export class ProductsModule {
  constructor(@InjectModel(Product.name) private readonly products: Model<Product>) {}

  /** Puts the stock there once, however many applications start at the same time. */
  async onModuleInit(): Promise<void> {
    await this.products.bulkWrite(
      STOCK.map(({ org, sku, ...rest }) => ({
        updateOne: { filter: { org, sku }, update: { $setOnInsert: rest }, upsert: true },
      })),
    );
  }
}
