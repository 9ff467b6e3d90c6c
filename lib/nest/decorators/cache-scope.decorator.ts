import { CacheConfigError } from '../../core/errors.js';
import type { Width } from '../../core/keys/scope.js';
import { standardDecorator } from './standard-decorator.js';
import { widthOf } from '../cache.settings.js';
import { setWidth } from '../methods/metadata.js';

/**
 * Says which callers share what a class or a method caches: all (`global`), those of a tenant (`tenant`), or none else
 * (`user`). A method's own word counts over its class's; the `scope` option over both.
 * @throws CacheConfigError for anything else
 * @example
 * @CacheScope('user')
 * @Cacheable('1m')
 * async dashboard(): Promise<Dashboard> { return { title: 'mine' }; }
 */
export function CacheScope(width: Width): ClassDecorator & MethodDecorator {
  if (widthOf(width, '@CacheScope') === undefined)
    throw new CacheConfigError('@CacheScope', "must be 'global', 'tenant' or 'user'");
  return (target: object, name?: string | symbol) => {
    if (typeof name === 'object') throw standardDecorator('@CacheScope');
    setWidth(width, target, name === undefined ? undefined : String(name));
  };
}
