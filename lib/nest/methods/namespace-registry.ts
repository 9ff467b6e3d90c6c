import type { Constructor, MethodName } from '../../core/values/canonical.js';
import { CacheConfigError } from '../../core/errors.js';
import type { CacheConfigOptions } from './decorator.options.js';
import type { Member, Method } from './method-site.js';
import { InstanceNames } from './instance-names.js';
import { instabilityOf, isMadeAtStart } from './stable-names.js';

const LINE = '@CacheConfig({ namespace })';

/** A name that was written so deserves its own text. */
function exampleOf(name: string): string {
  return /^[A-Z][A-Za-z]$/.test(name) ? ` (if it is called so in your source: '${name.toLowerCase()}')` : '';
}

/** Two classes in an error, and how they get two namespaces. A name that is made at the start stands in no source. */
function together(one: Constructor, other: Constructor): { readonly who: string; readonly apart: string } {
  return isMadeAtStart(one.name) && isMadeAtStart(other.name)
    ? {
        who: 'two classes that one function makes, as for mixin(),',
        apart: `each of them a namespace of its own (${LINE}), made of the arguments of that function`,
      }
    : {
        who: `the classes ${one.name} and ${other.name}`,
        apart: `one of the classes a namespace of its own (${LINE})`,
      };
}

/**
 * Which names the decorated methods of one cache use. As large as the application's source: some lines for each class with
 * decorated methods.
 */
export class NamespaceRegistry {
  private readonly classes = new Map<string, Constructor>();
  private readonly sites = new Map<string, Member>();
  private readonly heirs = new Map<Method, Map<string, Constructor>>();
  private readonly versions = new Map<string, Set<string>>();
  private readonly instances = new Map<Constructor, InstanceNames>();
  private readonly apart = new Map<Constructor, Set<string>>();

  /**
   * Gives a name to a class whose keys are told apart by it.
   * @throws CacheConfigError when another class has it, or when it is none that stays
   */
  claimClass({ type, title }: Member): void {
    const owner = this.classes.get(type.name);
    if (owner === type) return;
    const instability = instabilityOf(type.name);
    if (instability !== undefined)
      throw new CacheConfigError(
        title,
        `is a method of ${instability} ("${type.name}"), and its keys are made of that name; give the class a name for its keys, whatever a build makes of its own: write ${LINE} above it, with a text that no other class has${exampleOf(type.name)}`,
      );
    if (owner !== undefined)
      throw new CacheConfigError(
        title,
        `two classes are called "${type.name}", and their results must not mix; give one of them a namespace: ${LINE}`,
      );
    this.classes.set(type.name, type);
  }

  /** A method that another one hides goes by the name of the class that wrote it. @throws CacheConfigError as above */
  checkBase({ baseName, title }: Member): void {
    const instability = baseName === undefined ? undefined : instabilityOf(baseName);
    if (instability !== undefined)
      throw new CacheConfigError(
        title,
        `is a method of ${instability} ("${baseName}"), and its keys are made of that name; give the class a name for its keys: ${LINE}`,
      );
  }

  /**
   * Gives a member the keys that are made for it.
   * @param name what all of them have in common
   * @throws CacheConfigError when another one has them: the two would read each other's results
   */
  claimKeys(name: string, member: Member): void {
    const owner = this.sites.get(name);
    if (owner === undefined) this.sites.set(name, member);
    else if (owner.type !== member.type) {
      const { who, apart } = together(owner.type, member.type);
      throw new CacheConfigError(
        member.title,
        `${who} both have automatic keys for "${member.name}" in one namespace, and their results must not mix; give ${apart}, or both methods a \`key\` where they mean the same entries`,
      );
    } else if (owner.method !== member.method)
      throw new CacheConfigError(
        member.title,
        'two decorators of this method have the same automatic keys; leave one of them out, or give each of them a `namespace` or a `key` of its own',
      );
  }

  /**
   * Notes which class uses the keys that a method says itself, in a namespace that it says itself.
   * @throws CacheConfigError when objects of another class that inherits it do: nothing has said that the two answer alike
   */
  claimInherited(member: Member, namespace: string): void {
    const heirs = this.heirs.get(member.method) ?? new Map<string, Constructor>();
    const heir = heirs.get(namespace);
    if (heir !== undefined && heir !== member.type)
      throw new CacheConfigError(
        member.title,
        `the objects of ${heir.name} and of ${member.type.name} both inherit its namespace and \`key\`, and would read each other's results; say at the class @CacheConfig({ instances: 'shared' }) where they answer alike, else \`instances: (self) => …\` with a text that tells them apart`,
      );
    this.heirs.set(member.method, heirs.set(namespace, member.type));
  }

  /** How a class tells its objects apart in the keys of a namespace. Undefined when it does not. */
  instancesOf({ instances }: CacheConfigOptions, type: Constructor, namespace: string): InstanceNames | undefined {
    if (typeof instances !== 'function') return undefined;
    const names = this.instances.get(type) ?? new InstanceNames(instances as (instance: unknown) => unknown, type.name);
    this.instances.set(type, names);
    this.apart.set(type, (this.apart.get(type) ?? new Set<string>()).add(namespace));
    return names;
  }

  /** What leads the keys that an object of a class has in a namespace. */
  leadOf(namespace: string | undefined, type: Constructor, self: unknown): readonly MethodName[] {
    const names = this.instances.get(type);
    if (names === undefined || namespace === undefined || this.apart.get(type)?.has(namespace) !== true) return [];
    return [names.of(self as object)];
  }

  /** Notes under which name the keys of a namespace are made. */
  note(namespace: string, spaceName: string): void {
    const known = this.versions.get(namespace);
    if (known === undefined) this.versions.set(namespace, new Set([spaceName]));
    else known.add(spaceName);
  }

  /** Namespaces that decorated methods use. */
  names(): readonly string[] {
    return [...this.versions.keys()];
  }

  /** The namespace itself and every version of it in use. */
  spaceNames(namespace: string): readonly string[] {
    return [...new Set([namespace, ...(this.versions.get(namespace) ?? [])])];
  }
}
