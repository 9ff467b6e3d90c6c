import { HttpException, HttpStatus, Injectable } from '@nestjs/common';
import { CacheService } from 'nestjs-scoped-cache';

const EXPORTS_PER_MINUTE = 3;

/** Counts per user and minute. The count and the end of its minute are set in one step. */
@Injectable()
export class ExportsService {
  constructor(private readonly cache: CacheService) {}

  async start(user: string): Promise<{ export: string }> {
    const count = await this.cache.user(user).namespace('exports').increment('started', 1, { ttl: '1m' });
    if (count > EXPORTS_PER_MINUTE) {
      throw new HttpException(`${EXPORTS_PER_MINUTE} exports a minute, please`, HttpStatus.TOO_MANY_REQUESTS);
    }
    return { export: `${count} of ${EXPORTS_PER_MINUTE} this minute` };
  }
}
