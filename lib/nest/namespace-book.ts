import type { Constructor } from '../core/canonical.js';
import { CacheConfigError } from '../core/errors.js';

/**
 * Which namespaces the decorated methods of one cache use. As large as the application's source: one line for each
 * class with decorated methods.
 */
export class NamespaceBook {
  private readonly owners = new Map<string, Constructor>();
  private readonly versions = new Map<string, Set<string>>();

  /**
   * Gives a namespace that is made of a class's name to that class.
   * @throws CacheConfigError when another class of that name has it: the two would read each other's results
   */
  claim(namespace: string, type: Constructor): void {
    const owner = this.owners.get(namespace);
    if (owner !== undefined && owner !== type) {
      throw new CacheConfigError(
        `@Cacheable ${namespace}`,
        `two classes are called "${type.name}", and their results must not mix; give one of them a namespace with @CacheConfig({ namespace })`,
      );
    }
    if (type.name === '')
      throw new CacheConfigError(`@Cacheable ${namespace}`, 'a class without a name needs @CacheConfig({ namespace })');
    this.owners.set(namespace, type);
  }

  /** Notes under which name the keys of a namespace are made. */
  note(namespace: string, spaceName: string): void {
    const known = this.versions.get(namespace);
    if (known === undefined) this.versions.set(namespace, new Set([spaceName]));
    else known.add(spaceName);
  }

  /** The namespace itself and every version of it in use. */
  spaceNames(namespace: string): readonly string[] {
    return [...new Set([namespace, ...(this.versions.get(namespace) ?? [])])];
  }
}
