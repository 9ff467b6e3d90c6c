import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { hideFromLogs } from '../core/hide-from-logs.js';
import { CacheService } from './cache.service.js';
import type { MethodPlans } from './methods/method-plans.js';
import { open } from './methods/open-caches.js';
import { give, plansOf } from './methods/instances/served-object.js';

/** Stands beside the cache whose decorators an application uses: the one without a name. */
@Injectable()
export class ServedMethods implements OnModuleInit, OnApplicationShutdown {
  static {
    hideFromLogs(this.prototype, 'ServedMethods');
  }

  private readonly plans: MethodPlans | undefined;
  private readonly close: (() => void) | undefined;

  constructor(@Inject(CacheService) service: unknown) {
    // A stand-in for the service has no plans, and the methods simply run.
    this.plans = service instanceof CacheService ? service.plans : undefined;
    this.close = this.plans && open(this.plans, this.plans.isOff);
  }

  /** @throws CacheConfigError */
  async onModuleInit(): Promise<void> {
    try {
      this.plans?.checkAll((object, plans) => {
        // What Nest made has its plans; what cannot be extended is told about when one of its methods is called.
        if (plansOf(object) === undefined && Object.isExtensible(object)) give(object, plans);
      });
      await this.plans?.checkArguments();
      await this.plans?.tellMisspelt();
    } catch (error) {
      // Where a start is refused by a hook, Nest may run no others.
      this.close?.();
      throw error;
    }
  }

  onApplicationShutdown(): void {
    this.close?.();
    this.plans?.takeBack();
  }
}

/** Stands beside a cache with a name. Decorated methods do not use it, and do not go silently without a cache beside it. */
@Injectable()
export class UnservedMethods implements OnApplicationShutdown {
  private readonly close = open(undefined);

  onApplicationShutdown(): void {
    this.close();
  }
}
