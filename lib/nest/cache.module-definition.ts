import { ConfigurableModuleBuilder, type Provider } from '@nestjs/common';
import type { CacheModuleOptions, CacheOptionsFactory } from './cache.options.js';

/** What is said beside the options: it shapes the module itself, so it must be known before any factory runs. */
export interface CacheModuleExtras {
  /** Visible in every module without importing it again. @default true */
  readonly isGlobal?: boolean | undefined;
  /**
   * A name of its own, for several caches in one application; inject it with `@InjectCache(name)`.
   * @default none: the cache of the decorators
   */
  readonly name?: string | undefined;
  /**
   * Providers of your own, added to the module. One that bears a token of the module (`CACHE_BACKEND`, `CACHE_CLOCK`,
   * …) takes the place of that part, and what rests on the part follows.
   * @default []
   */
  readonly providers?: readonly Provider[] | undefined;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<CacheModuleOptions>({
    moduleName: 'ScopedCache',
    optionsInjectionToken: Symbol.for('nestjs-scoped-cache:options'),
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createCacheOptions' satisfies keyof CacheOptionsFactory)
    .setExtras<CacheModuleExtras>(
      { isGlobal: true, name: undefined, providers: undefined },
      (definition, { isGlobal, providers }) => ({
        ...definition,
        global: isGlobal !== false,
        providers: [...(definition.providers ?? []), ...(providers ?? [])],
      }),
    )
    .build();
