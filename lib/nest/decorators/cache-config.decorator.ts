import type { Constructor } from '../../core/values/canonical.js';
import { ownOptions } from '../../core/own-options.js';
import { checkClassConfig } from '../methods/check-options.js';
import type { CacheConfigOptions } from '../methods/decorator.options.js';
import { setClassConfig } from '../methods/metadata.js';
import { askForCache } from './wrap-method.js';

/**
 * Defaults for all cached methods of a class and of those that inherit from it: cache, namespace, scope, and any policy option.
 * What a method says itself counts over this; what a class leaves out is what its bases say.
 * @throws CacheConfigError naming an option that cannot work
 * @example
 * @CacheConfig({ namespace: 'cats', ttl: '10m' })
 * class CatsService {}
 */
export function CacheConfig(options: CacheConfigOptions): ClassDecorator {
  return (target) => {
    const own = ownOptions<CacheConfigOptions>(options, `@CacheConfig ${target.name}`);
    checkClassConfig(own, target.name);
    if (own.cache !== undefined) askForCache(target.prototype as object, own.cache);
    setClassConfig(target as unknown as Constructor, own);
  };
}
