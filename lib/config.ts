export { cacheConfig, cacheConfigWith, optionsFromEnvironment } from './nest/cache.config.js';
export type { BackendFromEnvironment, EnvironmentBackends } from './nest/cache.config.js';
export type { Environment } from './nest/environment.js';
