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
    if (names.includes(name))
      throw new CacheConfigError(
        where,
        `is '${name}', which is not there yet: where that cache says isGlobal: false, import the same dynamic module here; a factory that calls adopt() injects it, getCacheToken('${name}')`,
      );
    const known = names.map((each) => `'${each}'`).join(', ');
    throw new CacheConfigError(
      where,
      `is '${name}', and the caches with names are: ${known === '' ? 'none' : known}. Write one of them, leave \`cache\` out for the one without a name, or register it: CacheModule.forRoot({ name: '${name}' })`,
    );
  }
}
