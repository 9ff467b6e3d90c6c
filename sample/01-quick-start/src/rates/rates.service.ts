import { Injectable, NotFoundException } from '@nestjs/common';
import { CacheService } from 'nestjs-scoped-cache';
import { SlowSource } from '../source/slow-source.js';

/** The same by hand: no decorator, and openly for everybody. */
@Injectable()
export class RatesService {
  constructor(
    private readonly cache: CacheService,
    private readonly source: SlowSource,
  ) {}

  /** Every company may share this entry, and that is only so because it says `global()`. */
  async rate(currency: string): Promise<number> {
    const rates = this.cache.global().namespace('rates');
    const rate = await rates.getOrSet(currency, () => this.source.rate(currency), { ttl: '1h' });
    // undefined means "nothing" and is not stored, so made-up currencies do not fill the cache.
    if (rate === undefined) throw new NotFoundException(`No rate for ${currency}`);
    return rate;
  }
}
