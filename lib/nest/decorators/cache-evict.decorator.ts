import { ownOptions } from '../../core/own-options.js';
import { EvictPlan } from '../methods/evict.plan.js';
import { checkEvictOptions, refuseUncalled } from '../methods/check-options.js';
import type { CacheEvictOptions } from '../methods/decorator.options.js';
import type { AnswersLater, Fits, FitsTarget, Later, LaterMember, NoOthers, ParamsFor } from './fit.js';
import { wrapMethod } from './wrap-method.js';

/** Fits a method that answers later, of a class that has the method to be evicted. */
export interface EvictDecorator<O> {
  <T extends object, M extends LaterMember>(
    target: T,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<M> & Fits<O, M> & FitsTarget<O, M, T>,
  ): TypedPropertyDescriptor<M> | void;
  <T extends object, Params extends ParamsFor<O>, Answer extends Later>(
    target: T,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<(...args: Params) => Answer> & FitsTarget<O, (...args: Params) => Answer, T>,
  ): TypedPropertyDescriptor<(...args: Params) => Answer> | void;
  // The last one is whose complaint the compiler shows.
  <T extends object, M>(
    target: T,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<M> & Fits<O, M> & FitsTarget<O, M, T> & AnswersLater<M>,
  ): TypedPropertyDescriptor<M> | void;
}

/**
 * Removes entries when the method has succeeded (or `before` it runs). What goes is said by `key`, `keys`, `pattern` or
 * `allEntries` of a `namespace`, by `tags`, or by `method` (and `args`): the entry of a `@Cacheable` of the same class.
 *
 * After it returned, no read in any process gets a value that was loaded before. A scope that is missing fails the call
 * before the method runs, whatever `scope.onMissing` says. Of a method that returns an Observable the successful end
 * waits for the removal: nothing goes when its subscriber leaves earlier.
 * @throws CacheConfigError when the class is defined or first injected, and when nothing says what goes
 * @throws InvalidationUnknownError when it is not known whether the entries are gone; the method has run by then, and
 * all of the removals were tried
 * @example
 * class Cats {
 *   constructor(private readonly cats: CatsRepository) {}
 *
 *   @Cacheable('5m')
 *   findOne(id: string): Promise<Cat> {
 *     return this.cats.find(id);
 *   }
 *
 *   @CacheEvict({ method: 'findOne', args: (cat: Cat) => [cat.id] })
 *   async update(cat: Cat): Promise<void> {
 *     await this.cats.save(cat);
 *   }
 * }
 */
export function CacheEvict<const O extends CacheEvictOptions & object>(
  options: O & NoOthers<O, CacheEvictOptions>,
): EvictDecorator<O> {
  refuseUncalled(options, '@CacheEvict');
  const given = ownOptions<CacheEvictOptions>(options, '@CacheEvict');
  return ((target: object, name: string | symbol, descriptor: PropertyDescriptor) =>
    wrapMethod(target, name, descriptor, '@CacheEvict', (site) => {
      checkEvictOptions(given, site);
      return {
        plan: (setting, member) => new EvictPlan(setting, member, given),
        cache: given.cache,
        scope: given.scope,
        cacheable: undefined,
      };
    })) as EvictDecorator<O>;
}
