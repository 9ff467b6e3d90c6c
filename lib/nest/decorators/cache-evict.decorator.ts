import type { AsyncMethod, CacheEvictOptions } from './decorator.options.js';
import { checkEvictOptions } from './check-options.js';
import { wrapMethod } from './wrap-method.js';

/** Fits an asynchronous method of a class that has the method to be evicted, with fitting arguments. */
export type EvictDecorator<Method extends string, MethodArgs extends readonly unknown[]> = <
  T extends { readonly [K in Method]: (...args: never[]) => unknown },
  M extends AsyncMethod,
>(
  target: T & {
    readonly [K in Method]: (...args: MethodArgs extends readonly never[] ? never[] : [...MethodArgs]) => unknown;
  },
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => TypedPropertyDescriptor<M> | undefined;

/**
 * Removes entries when the method has succeeded (or `before` it runs). What goes is said by `key`, `keys`, `pattern` or
 * `allEntries` of a `namespace`, by `tags`, or by `method` (and `args`): the entry of a `@Cacheable` of the same class.
 *
 * After it returned, no read in any process gets a value that was loaded before. A scope that is missing fails the call
 * before the method runs.
 * @throws CacheConfigError when the class is defined and nothing says what goes
 * @throws InvalidationUnknownError when nobody can say whether the entries are gone; the method has run by then
 * @example
 * @CacheEvict({ method: 'findOne', args: (cat: Cat) => [cat.id] })
 * async update(cat: Cat): Promise<void> { await this.cats.save(cat); }
 */
export function CacheEvict<
  Args extends readonly unknown[] = never[],
  Method extends string = never,
  MethodArgs extends readonly unknown[] = never[],
>(options: CacheEvictOptions<Args, Method, MethodArgs>): EvictDecorator<Method, MethodArgs> {
  const given = options as unknown as CacheEvictOptions;
  return (target, name, descriptor) =>
    wrapMethod(target, name, descriptor, '@CacheEvict', (site) => {
      checkEvictOptions(given, site);
      return (service, self, args) => service.plans.evict(site, given).run(self, args);
    }) as never;
}
