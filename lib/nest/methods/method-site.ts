import type { Constructor } from '../../core/values/canonical.js';

export type Method = (this: unknown, ...args: unknown[]) => unknown;

/** A decorated method, before any application gives it a meaning. */
export interface MethodSite {
  /** Of the class in whose source the decorator stands. */
  readonly prototype: object;
  readonly name: string;
  /** Of that class, as it stands there: a mixin is renamed later. */
  readonly className: string;
  /** `CatsService.findOne`: the name in errors. */
  readonly title: string;
  /** What this decorator wrapped: the method as written, or another decorator's wrapper. */
  readonly method: Method;
  /** The method as written, as far as this library's decorators wrapped it. Its source names the parameters. */
  readonly written: Method;
}

/**
 * A decorated method as a member of the class of an object: the class that declares it, or one that inherits it. Two
 * classes that inherit one method have two members, and so two namespaces: their objects answer differently.
 */
export interface Member extends MethodSite {
  readonly type: Constructor;
  /** The namespace that the object's class says itself, with `@CacheConfig`. It then stands for the name of the class. */
  readonly classNamespace: string | undefined;
  /** Of a method that another one hides, which reaches it by `super`: the class that wrote it. */
  readonly behind: string | undefined;
  /** The name of that class, where it says no namespace that would stand for it. */
  readonly baseName: string | undefined;
  /** `CatsService.findOne` with the name of the object's class: the default namespace. */
  readonly ownName: string;
}
