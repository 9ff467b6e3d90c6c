export { cacheConfig, cacheConfigWith, optionsFromEnvironment } from './nest/env/cache.config.js';
export type {
  EnvironmentBackends,
  MongoFromEnvironment,
  RedisFromEnvironment,
  TieredFromEnvironment,
} from './nest/env/environment.backends.js';
