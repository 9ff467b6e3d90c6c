export { mongo } from './backends/mongo/mongo.backend.js';
export type { MongoOptions } from './backends/mongo/options.js';
export type { GuardOptions } from './backends/resilience/options.js';
