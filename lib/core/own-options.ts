import { CacheConfigError } from './errors.js';

/**
 * Options as their author wrote them: own properties only, on an object without a prototype, so that nothing that was
 * polluted into `Object.prototype` becomes an option.
 * @throws CacheConfigError when they are no object
 */
export function ownOptions<T extends object>(options: T | undefined, where: string): Partial<T> {
  if (options === undefined) return Object.create(null) as Partial<T>;
  checkOptions(options, where);
  return Object.assign(Object.create(null) as Partial<T>, options);
}

/** @throws CacheConfigError when something else stands in the place of options: a ttl, a default, null */
export function checkOptions(options: unknown, where: string): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  const isTtl = typeof options === 'number' || typeof options === 'string';
  throw new CacheConfigError(
    where === '' ? 'options' : where,
    `must be an object of options${isTtl && where === '' ? "; a ttl is written { ttl: '5s' }" : ''}`,
  );
}

/**
 * The same where none but these names are options. One that is never read is a typing mistake or a wrong version; either
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

/** The same without a copy of them: for those that are own properties already, or are read one by one. @throws CacheConfigError */
export function refuseUnknown(options: object, where: string, names: readonly string[]): void {
  checkOptions(options, where);
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw unknownOption(name, where, names);
  }
}

/** The error about an option that is none of these. */
export function unknownOption(name: string, where: string, names: readonly string[]): CacheConfigError {
  return new CacheConfigError(optionAt(where, name), `is not an option; there are: ${names.join(', ')}`);
}

/** How an option is called in errors. */
export function optionAt(where: string, name: string): string {
  return where === '' ? name : `${where}.${name}`;
}
