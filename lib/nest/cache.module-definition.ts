import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { CacheModuleOptions, CacheOptionsFactory } from './cache.options.js';

/** What is said beside the options: it shapes the module itself, so it must be known before any factory runs. */
export interface CacheModuleExtras {
  /** Visible in every module without importing it again. @default true */
  readonly isGlobal?: boolean | undefined;
  /** A name of its own, for several caches in one application; inject it with `@InjectCache(name)`. */
  readonly name?: string | undefined;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<CacheModuleOptions>({
    moduleName: 'ScopedCache',
    optionsInjectionToken: Symbol.for('nestjs-scoped-cache:options'),
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createCacheOptions' satisfies keyof CacheOptionsFactory)
    .setExtras<CacheModuleExtras>({ isGlobal: true, name: undefined }, (definition, { isGlobal }) => ({
      ...definition,
      global: isGlobal !== false,
    }))
    .build();
