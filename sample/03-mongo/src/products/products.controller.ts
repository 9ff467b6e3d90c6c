import { Body, Controller, Get, Param, ParseFloatPipe, Patch } from '@nestjs/common';
import { ProductsService, type ProductView } from './products.service.js';

@Controller('products')
export class ProductsController {
  constructor(private readonly products: ProductsService) {}

  @Get()
  list(): Promise<ProductView[]> {
    return this.products.list();
  }

  @Get(':sku')
  findOne(@Param('sku') sku: string): Promise<ProductView> {
    return this.products.findOne(sku);
  }

  @Patch(':sku/price')
  async setPrice(@Param('sku') sku: string, @Body('price', ParseFloatPipe) price: number): Promise<ProductView> {
    await this.products.setPrice(sku, price);
    return this.products.findOne(sku);
  }
}
