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
  throw new CacheConfigError(where, 'must be an object of options');
}
