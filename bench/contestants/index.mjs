/**
 * The contestants, each used as its own documentation says. All of them cache one asynchronous method of one argument
 * and keep tenants apart; a contestant's file exports `open(options)`, which gives:
 *
 *   memoize(load, { key, tags })   the method, cached; `key` makes text of its argument, `tags` lists of tags
 *   inRequest(tenant, work)        runs `work` as a request of that tenant would
 *   delete(arg)  deleteTag(tag)  clear()   what the contestant has of them, for the tenant that is asking
 *
 * Options: `maxEntries` (default 10 000) and `usesTags`.
 */
export const CONTESTANTS = {
  'hand memo': './hand-memo.mjs',
  'nestjs-scoped-cache': './scoped-cache.mjs',
  'cache-manager': './cache-manager.mjs',
  '@nestjs/cache-manager': './nest-cache-manager.mjs',
  keyv: './keyv.mjs',
  cacheable: './cacheable.mjs',
  bentocache: './bentocache.mjs',
  'bentocache, no serializing': './bentocache-plain.mjs',
  'type-cacheable': './type-cacheable.mjs',
};

export const PACKAGES = [
  'lru-cache',
  'cache-manager',
  '@nestjs/cache-manager',
  'keyv',
  'cacheable',
  'bentocache',
  '@type-cacheable/core',
  '@nestjs/core',
];

export const TTL_MS = 3_600_000;
export const MAX_ENTRIES = 10_000;

export async function openContestant(name, options = {}) {
  const { open } = await import(CONTESTANTS[name]);
  return open({ maxEntries: MAX_ENTRIES, usesTags: false, ...options });
}
