export { redis } from './backends/redis/redis.backend.js';
export { redisBus } from './backends/redis/pubsub/redis.bus.js';
export type { RedisBusOptions } from './backends/redis/pubsub/redis.bus.js';
export type { RedisOptions } from './backends/redis/options.js';
export type { GuardOptions } from './backends/resilience/options.js';
