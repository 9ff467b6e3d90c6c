import { Controller, Get, Param } from '@nestjs/common';
import { RatesService } from './rates.service.js';

@Controller('rates')
export class RatesController {
  constructor(private readonly rates: RatesService) {}

  @Get(':currency')
  rate(@Param('currency') currency: string): Promise<number> {
    return this.rates.rate(currency.toUpperCase());
  }
}
