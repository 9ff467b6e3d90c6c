import { Controller, Delete, Get } from '@nestjs/common';
import { CacheService, type CacheStats } from 'nestjs-scoped-cache';

/** What the cache does for the company that is asking, and for no other. */
@Controller()
export class StatsController {
  constructor(private readonly cache: CacheService) {}

  @Get('stats')
  async stats(): Promise<Pick<CacheStats, 'hits' | 'stale' | 'misses' | 'hitRate' | 'size' | 'memoryUsage'>> {
    const { hits, stale, misses, hitRate, size, memoryUsage } = await this.cache.stats();
    return { hits, stale, misses, hitRate: Math.round(hitRate * 100) / 100, size, memoryUsage };
  }

  @Delete('cache')
  async clear(): Promise<{ removed: number }> {
    return { removed: await this.cache.clear() };
  }
}
