export { CacheModule } from './nest/cache.module.js';
export type { CacheModuleExtras } from './nest/cache.module-definition.js';
export type { CacheModuleOptions, CacheOptionsFactory, KeyOptions, ScopeOptions } from './nest/cache.options.js';
export type { CacheSettings } from './nest/cache.settings.js';
export { CacheService } from './nest/cache.service.js';
export { ScopedCache } from './nest/cache/scoped-cache.js';
export type {
  CacheKey,
  CallOptions,
  ClearEverythingOptions,
  FailureOptions,
  GetOptions,
  IncrementOptions,
  InvalidateTagsOptions,
  RemovalOptions,
  WarmEntry,
  WarmOptions,
} from './nest/cache/scoped-cache.types.js';
export { CacheScopeInterceptor } from './nest/transport/cache-scope.interceptor.js';
export {
  CACHE_BACKEND,
  CACHE_CLOCK,
  CACHE_CONTEXT,
  CACHE_ENGINE,
  CACHE_FOUNDATION,
  CACHE_SCOPE_RESOLVER,
  CACHE_SETTINGS,
  getCacheToken,
  InjectCache,
} from './nest/cache.tokens.js';
export { Cacheable } from './nest/decorators/cacheable.decorator.js';
export { CachePut } from './nest/decorators/cache-put.decorator.js';
export { CacheEvict } from './nest/decorators/cache-evict.decorator.js';
export { CacheScope } from './nest/decorators/cache-scope.decorator.js';
export { CacheConfig } from './nest/decorators/cache-config.decorator.js';
export type { CacheableOptions, CacheConfigOptions, CacheEvictOptions } from './nest/methods/decorator.options.js';
export type { CodecOptions, CompressionOptions } from './codec/codec.options.js';
export type { EncryptionKey, EncryptionOptions } from './codec/key-ring.js';
export type { Serializer } from './codec/serializer.js';
export { cacheType } from './core/values/type-registration.js';
export type { RegisteredType, TypeRegistration } from './core/values/type-registration.js';
export { memory } from './backends/memory/memory.backend.js';
export type { MemoryOptions, QuotaOptions } from './backends/memory/options.js';
export { tiered } from './backends/tiered/tiered.backend.js';
export { localBus } from './bus/local.bus.js';
export type { TieredBusOptions, TieredOptions } from './backends/tiered/options.js';
export { CacheContext } from './context/cache-context.js';
export { firstOf, fromClaims, fromHeader, fromRequest, fromSubdomain } from './context/scope-resolver.js';
export type {
  FoundScope,
  RequestLike,
  ScopeResolver,
  ScopeSource,
  SubdomainOptions,
} from './context/scope-resolver.js';
export type { Loader, LoaderContext } from './engine/loader.js';
export { CacheEngine } from './engine/cache-engine.js';
export type { Begun } from './core/async/begun.js';
export type { CacheStats } from './core/stats.js';
export type { Duration } from './core/duration.js';
export type { Level } from './core/entry.js';
export type { Isolation } from './core/values/isolation.js';
export type { LimitOptions } from './core/limits.js';
export type { PolicyOptions } from './core/policy.js';
export type { ScopeIds, Width } from './core/keys/scope.js';
export type { Verdict } from './core/verdict.js';
export type {
  BypassReason,
  CacheEvent,
  DamageReason,
  EventPlace,
  Observer,
  RefusalReason,
  RemovalCause,
  RemovalFacts,
} from './core/observer.js';
export type { BusFactory } from './core/bus.js';
export type { Clock } from './core/clock.js';
export type { Backend, BackendFactory, BackendInfo, BackendParts } from './core/backend.js';
export {
  BackendError,
  CacheConfigError,
  CacheError,
  InvalidationUnknownError,
  KeyInvalidError,
  LoaderTimeoutError,
  NotACounterError,
  NothingToRenewError,
  PatternInvalidError,
  PatternUnsupportedError,
  QuotaExceededError,
  ReentrantLoadError,
  ScopeInvalidError,
  ScopeLeakError,
  ScopeMissingError,
  TagInvalidError,
  UnserializableError,
  ValueTooLargeError,
} from './core/errors.js';
export type { CacheErrorCode } from './core/errors.js';
