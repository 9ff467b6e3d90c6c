/**
 * The contestants on Redis, each used as its own documentation says, without a level in memory: what is asked here is
 * what the shared level does. The same methods as in ../index.mjs, and `close()`; options: `url`, `prefix`, `usesTags`.
 */
export const REDIS_CONTESTANTS = {
  'GET + JSON.parse': './by-hand.mjs',
  'nestjs-scoped-cache': './scoped-cache.mjs',
  keyv: './keyv.mjs',
  'cache-manager': './cache-manager.mjs',
  bentocache: './bentocache.mjs',
};

/** Other ways to read, for the decision about the read path; and this library with other settings. */
const VARIANTS = {
  'GET + JSON.parse, auto-pipelining': ['./by-hand.mjs', { isAutoPipelining: true }],
  'MGET of a tick': ['./mget-of-a-tick.mjs', {}],
  'script, one EVALSHA a read': ['./script-read.mjs', {}],
  'script, auto-pipelining': ['./script-read.mjs', { isAutoPipelining: true }],
  'nestjs-scoped-cache, answerEarly': ['./scoped-cache.mjs', { policy: { answerEarly: true } }],
  'nestjs-scoped-cache, not compressed': ['./scoped-cache.mjs', { codec: { compression: false } }],
  'nestjs-scoped-cache, deflate level 1': ['./scoped-cache.mjs', { codec: { compression: { level: 1 } } }],
};

export const REDIS_PACKAGES = ['ioredis', 'keyv', '@keyv/redis', 'cache-manager', 'bentocache', '@nestjs/core'];

export async function openRedisContestant(name, options = {}) {
  const [file, own] = VARIANTS[name] ?? [REDIS_CONTESTANTS[name], {}];
  const { open } = await import(file);
  // Each has a keyspace of its own; all processes of one contestant share it.
  const prefix = `${process.env.BENCH_KEYSPACE ?? ''}${name.replaceAll(/\W+/g, '-')}`.slice(0, 32);
  return open({ url: process.env.BENCH_REDIS_URL, prefix, usesTags: false, ...own, ...options });
}
