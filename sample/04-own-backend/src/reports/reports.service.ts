import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Cacheable, CacheEvict } from 'nestjs-scoped-cache';

export interface Report {
  readonly id: string;
  readonly madeAt: Date;
}

/** How long a report takes: what the cache saves, across restarts too. */
const WORK_MS = 300;

@Injectable()
export class ReportsService {
  /** How many reports this process has made. */
  made = 0;

  @Cacheable({ ttl: '1h', tags: ['reports'] })
  async find(id: string): Promise<Report> {
    this.made++;
    await pause(WORK_MS);
    return { id, madeAt: new Date() };
  }

  /** All reports of the company that is asking. */
  @CacheEvict({ tags: ['reports'] })
  async drop(): Promise<void> {
    // Where they come from does not change here: what matters is what the cache forgets.
  }
}
