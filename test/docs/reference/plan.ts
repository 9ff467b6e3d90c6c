/** Which page has what. An export that stands nowhere fails the test, as does one that is none. */

export interface PagePlan {
  /** In docs/reference. Its head, above the mark, is written by hand. */
  readonly file: string;
  readonly title: string;
  readonly names: readonly string[];
  /** Named and explained, without their members: parts that one replaces or hands on, not calls. */
  readonly inShort?: readonly string[];
}

export const PAGES: readonly PagePlan[] = [
  {
    file: 'verbs.md',
    title: 'Verbs',
    names: [
      ...['ScopedCache', 'CacheService', 'CacheKey', 'CallOptions', 'FailureOptions', 'GetOptions', 'IncrementOptions'],
      ...[
        'RemovalOptions',
        'InvalidateTagsOptions',
        'ClearEverythingOptions',
        'WarmEntry',
        'WarmOptions',
        'Loader',
        'LoaderContext',
        'CacheStats',
        'BackendInfo',
      ],
    ],
    inShort: ['Begun'],
  },
  {
    file: 'decorators.md',
    title: 'Decorators',
    names: [
      ...['Cacheable', 'CachePut', 'CacheEvict', 'CacheScope', 'CacheConfig', 'InjectCache'],
      ...['CacheableOptions', 'CacheEvictOptions', 'CacheConfigOptions'],
    ],
  },
  {
    file: 'options.md',
    title: 'Options of the module',
    names: [
      ...[
        'CacheModule',
        'CacheModuleOptions',
        'CacheModuleExtras',
        'CacheOptionsFactory',
        'ScopeOptions',
        'KeyOptions',
      ],
      ...['PolicyOptions', 'LimitOptions', 'CodecOptions', 'CompressionOptions', 'EncryptionOptions', 'EncryptionKey'],
      ...['Serializer', 'cacheType', 'RegisteredType', 'TypeRegistration', 'Duration', 'Isolation', 'Level', 'Width'],
    ],
  },
  {
    file: 'environment.md',
    title: 'Options from the environment',
    names: [
      ...['cacheConfig', 'cacheConfigWith', 'optionsFromEnvironment', 'EnvironmentBackends', 'RedisFromEnvironment'],
      ...['MongoFromEnvironment', 'TieredFromEnvironment'],
    ],
  },
  {
    file: 'backends.md',
    title: 'Backends and their options',
    names: [
      ...['memory', 'MemoryOptions', 'QuotaOptions', 'redis', 'RedisOptions', 'mongo', 'MongoOptions', 'GuardOptions'],
      ...['tiered', 'TieredOptions', 'TieredBusOptions', 'redisBus', 'RedisBusOptions', 'localBus'],
    ],
    inShort: ['BusFactory'],
  },
  {
    file: 'scopes.md',
    title: 'Resolvers and scopes',
    names: [
      ...['fromClaims', 'fromRequest', 'fromHeader', 'fromSubdomain', 'SubdomainOptions', 'firstOf', 'ScopeResolver'],
      ...['ScopeSource', 'FoundScope', 'ScopeIds', 'RequestLike'],
    ],
    inShort: ['CacheScopeInterceptor', 'CacheContext'],
  },
  {
    file: 'errors.md',
    title: 'Errors',
    names: [
      ...['CacheError', 'CacheErrorCode', 'BackendError', 'CacheConfigError', 'InvalidationUnknownError'],
      ...['KeyInvalidError', 'LoaderTimeoutError', 'NotACounterError', 'NothingToRenewError', 'PatternInvalidError'],
      ...['PatternUnsupportedError', 'QuotaExceededError', 'ReentrantLoadError', 'ScopeInvalidError'],
      ...['ScopeLeakError', 'ScopeMissingError', 'TagInvalidError', 'UnserializableError', 'ValueTooLargeError'],
    ],
  },
  {
    file: 'events.md',
    title: 'Events',
    names: [
      ...[
        'Observer',
        'CacheEvent',
        'EventPlace',
        'RemovalFacts',
        'RemovalCause',
        'Verdict',
        'BypassReason',
        'RefusalReason',
      ],
      'DamageReason',
    ],
  },
  {
    file: 'testing.md',
    title: 'For tests',
    names: [
      ...['CacheTestingModule', 'FakeClock', 'FakeClockOptions', 'CACHE_EVENTS', 'recordEvents', 'RecordedEvents'],
      ...[
        'EventOf',
        'chaos',
        'Chaos',
        'ChaosOptions',
        'Disturbance',
        'Operation',
        'Gate',
        'ChaosError',
        'seededRandom',
      ],
      ...['backendContract', 'ContractCase', 'ContractHarness', 'ContractRequest', 'ContractStore'],
    ],
  },
  {
    file: 'parts.md',
    title: 'Parts that can be replaced',
    names: ['getCacheToken', 'Clock'],
    inShort: [
      ...['CACHE_SETTINGS', 'CACHE_CLOCK', 'CACHE_FOUNDATION', 'CACHE_CONTEXT', 'CACHE_BACKEND', 'CACHE_ENGINE'],
      ...['CACHE_SCOPE_RESOLVER', 'CacheSettings', 'CacheEngine'],
    ],
  },
  {
    file: 'own-backend.md',
    title: 'For backends of your own',
    names: [
      ...['Backend', 'BackendFactory', 'BackendParts', 'Reading', 'Lease', 'LeaseReply', 'LeaseRequest', 'FillOutcome'],
      ...['Selection', 'Page', 'Usage', 'Entry', 'Draft', 'Handling', 'Key', 'KeyId', 'Label', 'Space', 'View'],
      ...['Partition', 'RequiredStamp', 'Generation', 'Stamp', 'survives', 'storedId', 'storedLabels', 'visibleKey'],
      ...['visibleKeyIn', 'partitionOfId', 'isInView', 'Glob', 'compileGlob', 'stepsToTest', 'Codec', 'Sealable'],
      ...['Opened', 'Header', 'ENVELOPE_MARK_BYTES', 'MAX_HEADER_BYTES', 'Copier', 'Copied', 'Limits', 'Emit'],
      ...['Application', 'Awaitable', 'BusMaker', 'machineOf', 'Pace', 'PORTION_STEPS', 'guarded', 'GuardedOptions'],
      ...['RefusedError', 'contractHarness', 'contractParts', 'ContractPartsOptions', 'HarnessOptions'],
    ],
  },
];
