/** The variables of the cache under names of its own; those of servers (`REDIS_…`, `MONGO_URL`) belong to others as well. */
const OWN_VARIABLES: readonly string[] = Object.freeze([
  'CACHE_APP',
  'CACHE_BACKEND',
  'CACHE_COMPRESSION_THRESHOLD',
  'CACHE_DEBUG',
  'CACHE_DEFAULT_TTL',
  'CACHE_ENABLED',
  'CACHE_ENVIRONMENT',
  'CACHE_L2',
  'CACHE_MAX_CONNECTIONS',
  'CACHE_MAX_SIZE',
  'CACHE_PREFIX',
  'CACHE_URL',
]);

/**
 * What to say of variables that look like ours and are none: misspelt, they would change nothing in silence. Another part of
 * the application may have a `CACHE_…` of its own, so nothing is refused. Names only, a value may be a secret.
 */
export function unknownVariables(variables: Readonly<Record<string, string | undefined>>): string | undefined {
  const names = Object.keys(variables).filter((name) => name.startsWith('CACHE_') && !OWN_VARIABLES.includes(name));
  if (names.length === 0) return undefined;
  const [verb, noun] = names.length === 1 ? ['is', 'a variable'] : ['are', 'variables'];
  return (
    `${names.sort().join(', ')} ${verb} not ${noun} of nestjs-scoped-cache and ${names.length === 1 ? 'has' : 'have'} ` +
    `no effect on it. Its variables are ${OWN_VARIABLES.join(', ')}.`
  );
}
