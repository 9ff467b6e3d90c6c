import {
  Inject,
  Logger,
  Module,
  Optional,
  type DynamicModule,
  type NestModule,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { APP_INTERCEPTOR, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { buildEngine, layFoundation, loadBackend, newContext, type Foundation, type Machine } from '../assemble.js';
import type { ScopeResolver } from '../context/scope-resolver.js';
import type { Backend } from '../core/backend.js';
import { systemClock, type Clock } from '../core/clock.js';
import { CacheConfigError } from '../core/errors.js';
import { knownOptions } from '../core/own-options.js';
import { hideFromLogs } from '../core/hide-from-logs.js';
import { CacheScopeInterceptor } from './transport/cache-scope.interceptor.js';
import {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type ASYNC_OPTIONS_TYPE,
  type CacheModuleExtras,
  type OPTIONS_TYPE,
} from './cache.module-definition.js';
import type { CacheModuleOptions } from './cache.options.js';
import { CacheService } from './cache.service.js';
import { OPTION_NAMES, resolveSettings, type CacheSettings } from './cache.settings.js';
import {
  CACHE_BACKEND,
  CACHE_CLOCK,
  CACHE_CONTEXT,
  CACHE_ENGINE,
  CACHE_FOUNDATION,
  CACHE_SCOPE_RESOLVER,
  CACHE_SETTINGS,
  getCacheToken,
} from './cache.tokens.js';
import {
  CACHE_FLOW,
  REGISTERED_CACHE,
  CacheRegistry,
  CacheRegistryModule,
  type RegisteredCache,
} from './cache.registry.js';
import type { HttpRoutes } from './transport/http-routes.js';
import { Providers } from './methods/instances/providers.js';
import { ServedMethods, UnservedMethods } from './served-methods.js';
import { withHiddenSecrets } from './secrets.js';
import { ScopePropagation } from './transport/scope-propagation.js';

/** What the options of one cache say, before those of others in the container are looked at. */
const CACHE_OWN_SETTINGS: unique symbol = Symbol('own settings of a cache');

/** What says at the start what a cache is made of. */
const CACHE_START_LINE: unique symbol = Symbol('start line of a cache');

/** What runs handlers of HTTP routes in their scope. */
const CACHE_ROUTES: unique symbol = Symbol('routes of a cache');

/** From options to service, one provider per part: any of them can be overridden, and what rests on it follows. */
const PARTS: readonly Provider[] = Object.freeze([
  {
    provide: CACHE_OWN_SETTINGS,
    inject: [
      CacheRegistry,
      { token: REGISTERED_CACHE, optional: true },
      { token: MODULE_OPTIONS_TOKEN, optional: true },
    ],
    useFactory: (
      registry: CacheRegistry,
      cache: RegisteredCache | undefined,
      options: CacheModuleOptions | undefined,
    ) => {
      if (cache === undefined) return registry.bare();
      const settings = resolveSettings(made(options), new Logger('Cache'), cache.name);
      return registry.enter(cache, settings) ?? settings;
    },
  },
  {
    provide: CACHE_SETTINGS,
    inject: [CacheRegistry, { token: REGISTERED_CACHE, optional: true }, CACHE_OWN_SETTINGS],
    useFactory: (registry: CacheRegistry, cache: RegisteredCache, own: CacheSettings) => registry.settled(cache, own),
  },
  { provide: CACHE_CLOCK, useValue: systemClock },
  { provide: CACHE_CONTEXT, inject: [CACHE_FLOW], useFactory: newContext },
  {
    provide: CACHE_FOUNDATION,
    inject: [CACHE_SETTINGS, CACHE_CLOCK, CACHE_CONTEXT],
    useFactory: (settings: CacheSettings, clock: Clock, context: Foundation['context']) =>
      layFoundation(settings, clock, context),
  },
  {
    provide: CACHE_BACKEND,
    inject: [CACHE_FOUNDATION],
    useFactory: loadBackend,
  },
  {
    provide: CACHE_ENGINE,
    inject: [CACHE_FOUNDATION, CACHE_BACKEND],
    useFactory: (foundation: Foundation, backend: Backend) => buildEngine(foundation, backend),
  },
  {
    provide: CACHE_SCOPE_RESOLVER,
    inject: [CACHE_SETTINGS],
    useFactory: ({ scope }: CacheSettings) => scope.resolve ?? null,
  },
  ScopePropagation,
  {
    provide: CACHE_START_LINE,
    inject: [CACHE_SETTINGS, CACHE_BACKEND, CACHE_SCOPE_RESOLVER],
    useFactory: async (settings: CacheSettings, backend: Backend, resolver: ScopeResolver | null) => {
      const { StartLine } = await import('./start-line.js');
      return new StartLine(settings, backend, resolver);
    },
  },
  CacheScopeInterceptor,
  { provide: APP_INTERCEPTOR, useExisting: CacheScopeInterceptor },
]);

/** Loaded here and not with the first route: a test may add its server after the module is made. */
const ROUTES: Provider = Object.freeze({
  provide: CACHE_ROUTES,
  inject: [HttpAdapterHost, CACHE_FOUNDATION, CACHE_SCOPE_RESOLVER, CacheScopeInterceptor],
  useFactory: async (...parts: ConstructorParameters<typeof HttpRoutes>) => {
    const loaded = await import('./transport/http-routes.js');
    return new loaded.HttpRoutes(...parts);
  },
});

/** The service under the token by which it is asked for: its class never leads to a cache with a name. */
const serviceAt = (token: typeof CacheService | symbol): Provider => ({
  provide: token,
  inject: [CACHE_FOUNDATION, CACHE_ENGINE, CACHE_SETTINGS, ModulesContainer],
  useFactory: (foundation: Foundation, engine: Machine['engine'], settings: CacheSettings, modules: ModulesContainer) =>
    new CacheService({ foundation, engine, settings }, new Providers(modules)),
});

const EXPORTS = Object.freeze([
  CacheService,
  CacheScopeInterceptor,
  CACHE_SETTINGS,
  CACHE_CLOCK,
  CACHE_CONTEXT,
  CACHE_FOUNDATION,
  CACHE_BACKEND,
  CACHE_ENGINE,
  CACHE_SCOPE_RESOLVER,
]);

/** What says how the module is made, beside the options of the cache. */
const EXTRA_NAMES = Object.freeze([
  'isGlobal',
  'name',
  'providers',
] as const satisfies readonly (keyof CacheModuleExtras)[]);
const ASYNC_OPTION_NAMES = Object.freeze([
  'imports',
  'inject',
  'useFactory',
  'useClass',
  'useExisting',
  'provideInjectionTokensFrom',
  ...EXTRA_NAMES,
] as const satisfies readonly (keyof typeof ASYNC_OPTIONS_TYPE)[]);

/**
 * Registers a cache. Without options: in memory, shared by all callers (`scope.default: 'global'`), ttl one hour.
 *
 * An application has one cache without a name, that of the decorators: registered once, in the root module, and seen by
 * all others. More caches have names. A cache that says neither `scope.resolve` nor `scope.default` uses the resolver of
 * the others, if they have one: what all tenants share is said, `scope: { default: 'global' }`.
 *
 * @throws CacheConfigError naming an option that is none; when the application starts, one that cannot work, a second
 * cache without a name, and two caches with one prefix
 * @example
 * CacheModule.forRoot({
 *   backend: memory({ maxEntries: 10_000 }),
 *   scope: { resolve: fromClaims({ tenant: 'org_id', user: 'sub' }) },
 *   defaults: { ttl: '5m' },
 * })
 */
@Module({ imports: [CacheRegistryModule], providers: [...PARTS] })
export class CacheModule extends ConfigurableModuleClass implements NestModule, OnModuleInit, OnApplicationShutdown {
  static {
    hideFromLogs(this.prototype, 'CacheModule');
  }

  constructor(
    @Inject(CACHE_ENGINE) private readonly engine: Machine['engine'],
    @Inject(ScopePropagation) private readonly propagation: ScopePropagation,
    @Optional() @Inject(CACHE_ROUTES) private readonly routes?: HttpRoutes,
  ) {
    super();
  }

  /** With options at hand. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    const own = knownOptions<typeof OPTIONS_TYPE>(options, '', [...OPTION_NAMES, ...EXTRA_NAMES]);
    return named(super.forRoot(withHiddenSecrets(own)), own.name);
  }

  /** With options that other providers help to make: `inject` and `useFactory`, `useClass` or `useExisting`. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    const own = knownOptions<typeof ASYNC_OPTIONS_TYPE>(options, 'forRootAsync', ASYNC_OPTION_NAMES);
    if (own.useFactory === undefined && own.useClass === undefined && own.useExisting === undefined)
      throw new CacheConfigError('forRootAsync', 'needs useFactory, useClass or useExisting');
    return named(super.forRootAsync(own), own.name);
  }

  /** The last that Nest asks modules before it makes the routes. */
  configure(): void {
    this.routes?.begin();
  }

  /** An application starts without its cache unless it was told not to: this waits for a first connection, and not for long. */
  async onModuleInit(): Promise<void> {
    // Before anything else: the handlers of GraphQL are made in the hooks of its module, and need the interceptor.
    this.routes?.end();
    await this.engine.open();
  }

  /** The last hook of a shutdown: until then, others may still use the cache while they close. */
  async onApplicationShutdown(): Promise<void> {
    this.routes?.end();
    try {
      await this.engine.close();
    } finally {
      this.propagation.close();
    }
  }
}

/** The options that a factory makes, in the container as little to be read as those that were given at once. */
function hiding(provider: Provider): Provider {
  if (typeof provider !== 'object' || !('useFactory' in provider) || provider.provide !== MODULE_OPTIONS_TOKEN)
    return provider;
  const { useFactory } = provider;
  return {
    ...provider,
    useFactory: async (...args: unknown[]) =>
      withHiddenSecrets((await useFactory(...args)) as CacheModuleOptions | null | undefined),
  };
}

/** A factory that forgot to return its options would start a cache without scopes, in which all tenants share. */
function made(options: CacheModuleOptions | null | undefined): CacheModuleOptions {
  if (options == null)
    throw new CacheConfigError('forRootAsync', 'got no options: return them, or {} for all defaults');
  const extra = EXTRA_NAMES.find((name) => Object.hasOwn(options, name));
  if (extra === undefined) return options;
  throw new CacheConfigError(extra, 'stands beside useFactory, useClass or useExisting, not among what they return');
}

/** A cache with a name shows itself under that name only, so that several can be global at once. */
function named(module: DynamicModule, name: string | undefined): DynamicModule {
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw new CacheConfigError('name', 'must be a text that is not empty');
  const cache: RegisteredCache = Object.freeze({ name });
  const token = getCacheToken(name);
  const providers = [
    serviceAt(token),
    { provide: REGISTERED_CACHE, useValue: cache },
    name === undefined ? ServedMethods : UnservedMethods,
    ...(module.providers ?? []).map(hiding),
    // The hooks of global modules come first; those of others perhaps after handlers without scope have been made.
    ...(module.global === true ? [ROUTES] : []),
  ];
  return { ...module, providers, exports: name === undefined ? [...EXPORTS] : [token] };
}
