export { cacheConfig, cacheConfigWith, optionsFromEnvironment } from './nest/cache.config.js';
export type {
  EnvironmentBackends,
  MongoFromEnvironment,
  RedisFromEnvironment,
  TieredFromEnvironment,
} from './nest/environment.backends.js';
