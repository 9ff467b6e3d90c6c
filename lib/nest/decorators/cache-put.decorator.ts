import type { Duration } from '../../core/duration.js';
import type { AsyncMethodDecorator } from './cacheable.decorator.js';
import { checkCacheableOptions } from './check-options.js';
import type { CacheableOptions } from './decorator.options.js';
import { wrapMethod } from './wrap-method.js';

/**
 * Always runs the method and stores its result under the key, in place of what is there. Give it the `namespace` and
 * `key` of the `@Cacheable` it updates.
 *
 * An invalidation while the method runs wins over its result, and loads that began before cannot overwrite it. A result
 * that cannot be stored evicts the entry it would have replaced.
 * @throws InvalidationUnknownError when neither storing nor evicting could be confirmed; the method has run by then
 * @example
 * @CachePut({ namespace: 'cats', key: (cat: Cat) => cat.id })
 * async update(cat: Cat): Promise<Cat> { return this.cats.save(cat); }
 */
export function CachePut<Args extends readonly unknown[] = []>(
  options: CacheableOptions<Args> | Duration = {},
): AsyncMethodDecorator<Args> {
  const given = (typeof options === 'object' ? options : { ttl: options }) as CacheableOptions;
  return (target, name, descriptor) =>
    wrapMethod(target, name, descriptor, '@CachePut', (site) => {
      checkCacheableOptions(given, site, '@CachePut');
      return (service, self, args) => service.plans.put(site, given).run(self, args);
    }) as never;
}
