import { CacheConfigError } from '../../core/errors.js';

/**
 * The items of a list that a caller named, copied: the caller may change it while work goes on. A text can be walked
 * through as well, letter by letter, which no caller means.
 * @throws CacheConfigError naming the argument
 */
export function listed<T>(items: Iterable<T>, argument: 'keys' | 'entries'): readonly T[] {
  if (typeof items === 'object' && (items as Iterable<T> | null) !== null && Symbol.iterator in items)
    return [...items];
  const example = argument === 'keys' ? "['a', 'b']" : "[['a', 1]], or a Map";
  const kind = (items as unknown) === null ? 'null' : typeof items;
  throw new CacheConfigError(
    argument,
    `must be a list, such as ${example}, not ${kind === 'string' ? 'a text' : kind}`,
  );
}

/** @throws CacheConfigError for an entry that is no pair */
export function pair<K, T>(entry: readonly [K, T]): readonly [K, T] {
  if (Array.isArray(entry) && entry.length === 2) return entry;
  throw new CacheConfigError('entries', "must hold pairs of a key and a value, such as [['a', 1]]");
}
