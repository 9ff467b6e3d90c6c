import type { Constructor } from '../../core/canonical.js';

export type Method = (this: unknown, ...args: unknown[]) => unknown;

/** A decorated method, before any application gives it a meaning. */
export interface MethodSite {
  /** Of the class in whose source the decorator stands. */
  readonly prototype: object;
  readonly name: string;
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
  /** `CatsService.findOne` with the name of the object's class: the default namespace. */
  readonly ownName: string;
  /** Leads the automatic keys of a namespace that the methods of a class share. */
  readonly lead: readonly string[];
}
