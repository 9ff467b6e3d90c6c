import { MethodName } from '../../core/values/canonical.js';
import { CacheConfigError } from '../../core/errors.js';

const MAX_LENGTH = 128;

/** What tells objects of one class apart in their keys, as the `instances` option of their class says. */
export class InstanceNames {
  private readonly known = new WeakMap<object, MethodName>();

  constructor(
    private readonly nameOf: (instance: unknown) => unknown,
    /** Of the class, for errors. */
    private readonly className: string,
  ) {}

  /** The name of an object. Asked for once: what changes with its state belongs into the arguments. @throws CacheConfigError */
  of(instance: object): MethodName {
    const known = this.known.get(instance);
    if (known !== undefined) return known;
    const text = this.nameOf(instance);
    if (typeof text !== 'string' || text === '' || text.length > MAX_LENGTH)
      throw new CacheConfigError(
        `@CacheConfig ${this.className}.instances`,
        `must return a text of 1 to ${MAX_LENGTH} characters for each object of the class`,
      );
    // No method is called so: an object never has the keys of another class's method.
    const name = new MethodName(`@${text}`);
    this.known.set(instance, name);
    return name;
  }
}
