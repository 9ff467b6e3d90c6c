import type { Duration } from '../../core/duration.js';
import { PutPlan } from '../methods/put.plan.js';
import type { CachedMethodDecorator } from './cacheable.decorator.js';
import { checkCacheableOptions, givenOptions } from '../methods/check-options.js';
import type { CacheableOptions } from '../methods/decorator.options.js';
import type { NoOthers } from './fit.js';
import { wrapMethod } from './wrap-method.js';

/**
 * Always runs the method and stores its result under the key, in place of what is there. Give it the `namespace` and
 * `key` of the `@Cacheable` it updates.
 *
 * The method runs in the scope of its key, as that of a `@Cacheable` does: for a tenant's entry it sees no user, also
 * when its caller has one. What it needs of the user comes in by its arguments.
 *
 * An invalidation while the method runs wins over its result, and loads that began before cannot overwrite it. A result
 * that cannot be stored evicts the entry it would have replaced; one that `unless` keeps out leaves it as it is.
 * @throws ScopeMissingError before the method runs, whatever `scope.onMissing` says
 * @throws InvalidationUnknownError when neither storing nor evicting could be confirmed; the method has run by then
 * @example
 * @CachePut({ namespace: 'cats', key: (cat: Cat) => cat.id })
 * async update(cat: Cat): Promise<Cat> { return this.cats.save(cat); }
 */
// One signature: of several the compiler shows the complaints of all.
export function CachePut<const O extends CacheableOptions & object>(
  options?: Duration | (O & NoOthers<O, CacheableOptions>),
): CachedMethodDecorator<O> {
  const given = givenOptions(options, '@CachePut');
  return ((target: object, name: string | symbol, descriptor: PropertyDescriptor) =>
    wrapMethod(target, name, descriptor, '@CachePut', (site) => {
      checkCacheableOptions(given, site, '@CachePut');
      return {
        plan: (setting, member) => new PutPlan(setting, member, given),
        cache: given.cache,
        scope: given.scope,
        cacheable: undefined,
      };
    })) as CachedMethodDecorator<O>;
}
