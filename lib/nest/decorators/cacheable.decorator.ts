import type { Duration } from '../../core/duration.js';
import { CacheablePlan } from '../methods/cacheable.plan.js';
import { checkCacheableOptions, givenOptions } from '../methods/check-options.js';
import type { CacheableOptions } from '../methods/decorator.options.js';
import type { AnswersLater, Fits, Later, LaterFor, LaterMember, NoOthers, ParamsFor } from './fit.js';
import { wrapMethod } from './wrap-method.js';

/** Fits a method or getter that answers later, with the arguments and the result that the options look at. */
export interface CachedMethodDecorator<O> {
  <M extends LaterMember>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<M> & Fits<O, M>,
  ): TypedPropertyDescriptor<M> | void;
  <Params extends ParamsFor<O>, Answer extends LaterFor<O>>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<(...args: Params) => Answer & Later>,
  ): TypedPropertyDescriptor<(...args: Params) => Answer & Later> | void;
  // The last one is whose complaint the compiler shows.
  <M>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<M> & Fits<O, M> & AnswersLater<M>,
  ): TypedPropertyDescriptor<M> | void;
}

/**
 * Answers calls of the method from the cache. The key is made of the scope, the namespace and the arguments; the caller
 * that asks first runs the method, all others of the same scope get the stored result until its ttl ends or it is
 * invalidated.
 *
 * The method runs in the scope of its entry: of a tenant's entry it sees the tenant, not the user that asked first. Its
 * errors reach the caller unchanged and are not stored. When the backend fails the method simply runs. What cannot be
 * stored faithfully (streams, functions, instances of unregistered classes) is returned and not stored, with one
 * warning.
 *
 * Of a method declared to return an Observable, the complete sequence is stored, and played back to each subscriber in
 * the scope of its subscription. The subscriber that leads a load hears the values as they come, once it is plain that
 * they do not come all at once; one that does not end is never stored, and left with its last subscriber. Handlers with
 * `@Res()` (also with `passthrough`), `@Next()` or `@Sse()` are not cached, with one warning. On a getter the property
 * is a promise.
 *
 * Works on objects that Nest makes, on those that providers hold, and on those that `CacheService.adopt` was given. On
 * any other the method simply runs while no cache is open in the process, and throws while one is.
 *
 * @param options a ttl, or all options. Annotate the parameters of their functions as the method does.
 * @throws CacheConfigError when the class is defined or first injected, naming an option that cannot work, or an argument
 * that can never be part of a key (`@Req()`, a stream) and is not in `ignoreArgs`
 * @throws KeyInvalidError on calls with an argument that cannot be part of a key: an instance of a class that is neither
 * declared as the argument's type nor registered, a function
 * @throws ScopeMissingError on calls without the scope they need (unless `scope.onMissing` is `bypass`)
 * @example
 * @Cacheable({ ttl: '5m', tags: (id: string) => [`cat:${id}`] })
 * findOne(id: string): Promise<Cat> { return this.cats.find(id); }
 */
// One signature: of several the compiler shows the complaints of all.
export function Cacheable<const O extends CacheableOptions & object>(
  options?: Duration | (O & NoOthers<O, CacheableOptions>),
): CachedMethodDecorator<O> {
  const given = givenOptions(options, '@Cacheable');
  return ((target: object, name: string | symbol, descriptor: PropertyDescriptor) =>
    wrapMethod(target, name, descriptor, '@Cacheable', (site) => {
      checkCacheableOptions(given, site, '@Cacheable');
      return {
        plan: (setting, member) => new CacheablePlan(setting, member, given),
        cache: given.cache,
        scope: given.scope,
        cacheable: given,
      };
    })) as CachedMethodDecorator<O>;
}
