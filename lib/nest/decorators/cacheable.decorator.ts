import type { Duration } from '../../core/duration.js';
import type { AsyncMethod, CacheableOptions } from './decorator.options.js';
import { checkCacheableOptions } from './check-options.js';
import { setCacheable } from './metadata.js';
import { wrapMethod } from './wrap-method.js';

/** Fits a method or getter that answers later and takes at least the arguments that the options look at. */
export type AsyncMethodDecorator<Args extends readonly unknown[]> = <M extends AsyncMethod | PromiseLike<unknown>>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<M> & Accepts<M, Args>,
) => TypedPropertyDescriptor<M> | undefined;

/** `unknown` (no demand) when the method's parameters begin with `Args`; else a type that names the mismatch. */
type Accepts<M, Args extends readonly unknown[]> = M extends (...args: infer Params) => unknown
  ? Params extends readonly [...Args, ...unknown[]]
    ? unknown
    : { 'the options look at arguments this method does not have': Args }
  : unknown;

/**
 * Answers calls of the method from the cache. The key is made of the scope, the namespace and the arguments; whoever
 * asks first runs the method, everybody else of the same scope gets the stored result until its ttl ends or it is
 * invalidated.
 *
 * The method runs in the scope of its entry: of a tenant's entry it sees the tenant, not who asked first. Its errors
 * reach the caller unchanged and are not stored. When the backend fails the method simply runs. What cannot be stored
 * faithfully (streams, functions, instances of unregistered classes) is returned and not stored, with one warning.
 *
 * @param options a ttl, or all options
 * @throws CacheConfigError when the class is defined, naming an option that cannot work
 * @throws ScopeMissingError on calls without the scope they need (unless `scope.onMissing` is `bypass`)
 * @example
 * @Cacheable({ ttl: '5m', tags: (id: string) => [`cat:${id}`] })
 * findOne(id: string): Promise<Cat> { return this.cats.load(id); }
 */
export function Cacheable<Args extends readonly unknown[] = []>(
  options: CacheableOptions<Args> | Duration = {},
): AsyncMethodDecorator<Args> {
  const given = (typeof options === 'object' ? options : { ttl: options }) as CacheableOptions;
  return (target, name, descriptor) =>
    wrapMethod(target, name, descriptor, '@Cacheable', (site) => {
      checkCacheableOptions(given, site, '@Cacheable');
      setCacheable(site, given);
      return (service, self, args) => service.plans.cacheable(site, given).run(self, args);
    }) as never;
}
