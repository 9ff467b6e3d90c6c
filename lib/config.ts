export { cacheConfig, optionsFromEnvironment } from './nest/cache.config.js';
