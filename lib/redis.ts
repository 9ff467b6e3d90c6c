export { redis } from './backends/redis.backend.js';
export type { RedisOptions } from './backends/redis.options.js';
export type { GuardOptions } from './backends/guarded.options.js';
