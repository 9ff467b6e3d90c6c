import { CacheConfigError } from './errors.js';

/**
 * Options as their author wrote them: own properties only, on an object without a prototype, so that nothing that was
 * polluted into `Object.prototype` becomes an option.
 * @throws CacheConfigError when they are no object
 */
export function ownOptions<T extends object>(options: T | undefined, where: string): Partial<T> {
  if (options === undefined) return Object.create(null) as Partial<T>;
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) {
    return Object.assign(Object.create(null) as Partial<T>, options);
  }
  throw new CacheConfigError(where === '' ? 'options' : where, 'must be an object of options');
}

/**
 * The same where none but these names are options. One that nobody reads is a typing mistake or a wrong version; either
 * way its author believes in it.
 * @param where names them in errors; empty for options that stand nowhere but in the call itself
 * @throws CacheConfigError naming the option
 */
export function knownOptions<T extends object>(
  options: T | undefined,
  where: string,
  names: readonly (keyof T & string)[],
): Partial<T> {
  const own = ownOptions(options, where);
  refuseUnknown(own, where, names);
  return own;
}

/** For options that are somebody's own already. @throws CacheConfigError naming the first that is none of these */
export function refuseUnknown(own: object, where: string, names: readonly string[]): void {
  for (const name of Object.keys(own)) {
    if (!names.includes(name))
      throw new CacheConfigError(
        where === '' ? name : `${where}.${name}`,
        `is not an option; there are: ${names.join(', ')}`,
      );
  }
}
