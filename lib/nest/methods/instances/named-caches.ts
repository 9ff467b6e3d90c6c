import { CacheConfigError } from '../../../core/errors.js';
import { REGISTERED_CACHE, type RegisteredCache } from '../../cache.registry.js';
import type { Providers } from './providers.js';

/**
 * The token of a cache with a name. Where there is none of that name, Nest prints it, so it reads like what has to be
 * imported.
 */
export function namedCache(name: string): symbol {
  return Symbol.for(`CacheService of CacheModule.forRoot({ name: '${name}' })`);
}

/** The caches with names of an application, for decorators that say one. */
export class NamedCaches {
  constructor(private readonly providers: Providers | undefined) {}

  /** Names that caches were registered with. */
  names(): readonly string[] {
    const found = [...(this.providers?.under(REGISTERED_CACHE) ?? [])] as RegisteredCache[];
    return found.flatMap(({ name }) => (name === undefined ? [] : [name]));
  }

  /**
   * What stands under the token of a cache: its service, or what a test has put in its place.
   * @param where the option that says the name
   * @throws CacheConfigError with the names there are
   */
  at(name: string, where: string): object {
    const [service] = this.providers?.under(namedCache(name)) ?? [];
    if (service !== undefined) return service;
    const names = this.names();
    const known = names.map((each) => `'${each}'`).join(', ') || 'none';
    throw new CacheConfigError(
      where,
      names.includes(name)
        ? `is '${name}', which is not made yet: import its module here where it says isGlobal: false, and inject getCacheToken('${name}') into a factory that calls adopt()`
        : `is '${name}', and the caches with names are: ${known}. Write one of them, or register it: CacheModule.forRoot({ name: '${name}' })`,
    );
  }
}
