import type { Provider, Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { type CacheModuleOptions, CacheService } from '../../../../lib/index.js';
import { CACHE_EVENTS, CacheTestingModule, FakeClock, type RecordedEvents } from '../../../../lib/testing.js';
import { KeptLog } from '../../../e2e/support/quiet.js';

export interface Started {
  readonly module: TestingModule;
  readonly cache: CacheService;
  readonly clock: FakeClock;
  readonly events: RecordedEvents;
  readonly log: KeptLog;
  get<T>(type: Type<T>): T;
  /** Runs `work` for a user of a tenant. */
  as<R>(who: string, work: () => R): R;
}

const open: TestingModule[] = [];

/** An application with a cache on a fake clock. */
export async function start(options: CacheModuleOptions, ...providers: Provider[]): Promise<Started> {
  const log = new KeptLog();
  const module = await Test.createTestingModule({ imports: [CacheTestingModule.forTest(options)], providers })
    .setLogger(log)
    .compile();
  open.push(module);
  const cache = module.get(CacheService);
  return {
    module,
    cache,
    clock: module.get(FakeClock),
    events: module.get<RecordedEvents>(CACHE_EVENTS),
    log,
    get: (type) => module.get(type),
    as: (who, work) => {
      const [tenant, user] = who.split('/');
      return cache.runInScope({ tenant, user }, work);
    },
  };
}

export async function closeAll(): Promise<void> {
  for (const module of open.splice(0)) await module.close();
}

/** Counts, and makes results that tell the runs of a method apart. */
export function counter(): (...said: unknown[]) => string {
  let runs = 0;
  return (...said) => `${[...said, `#${++runs}`].join(' ')}`;
}
