import type { ModulesContainer } from '@nestjs/core';
import type { Constructor } from '../core/canonical.js';

type Module = ModulesContainer extends Map<string, infer M> ? M : never;
type Wrapper = Module['providers'] extends Map<unknown, infer W> ? W : never;

/**
 * Where the objects of an application come from, as Nest knows it: providers, controllers, and guards, pipes and
 * interceptors, of which Nest makes one for each module that uses them.
 */
export class Providers {
  constructor(private readonly modules: ModulesContainer) {}

  /** Grows when a module is loaded later. */
  get size(): number {
    return this.modules.size;
  }

  /** The classes of all objects, those that Nest makes and those that were made for it, and the object where there is one. */
  *all(): Generator<{ readonly type: Constructor; readonly instance: object | undefined }> {
    for (const [wrapper] of this.wrappers()) {
      const instance = instanceOf(wrapper);
      const type = classOf(wrapper) ?? (instance && ownClass(prototypeOf(instance)));
      if (type !== undefined) yield { type, instance };
    }
  }

  /**
   * The places that make objects of a class: the modules in which Nest does, since what it injects there is the same for
   * all of them, and each object that a factory or somebody else has made.
   */
  placesOf(type: Constructor): ReadonlySet<object> {
    const places = new Set<object>();
    for (const [wrapper, module] of this.wrappers()) {
      if (classOf(wrapper) === type) places.add(module);
      else if (classOf(wrapper) === undefined) {
        const instance = instanceOf(wrapper);
        if (instance !== undefined && prototypeOf(instance) === type.prototype) places.add(instance);
      }
    }
    // Aliases: what a factory hands on may be what Nest has made.
    for (const [wrapper] of this.wrappers()) {
      const instance = classOf(wrapper) === type ? instanceOf(wrapper) : undefined;
      if (instance !== undefined) places.delete(instance);
    }
    return places;
  }

  /** The class of an object that Nest has or makes; undefined for one that it knows nothing of. */
  typeOf(object: object): Constructor | undefined {
    const prototype = prototypeOf(object);
    for (const [wrapper] of this.wrappers()) {
      const type = classOf(wrapper);
      if (type === undefined) {
        if (instanceOf(wrapper) === object) return ownClass(prototype);
      } else if (type.prototype === prototype) {
        // Of one that is made for each request or each place there is no list: whoever has one has got it from Nest.
        if (instanceOf(wrapper) === object || !isSingle(wrapper)) return type;
      }
    }
    return undefined;
  }

  private *wrappers(): Generator<readonly [Wrapper, Module]> {
    for (const module of this.modules.values()) {
      for (const map of [module.providers, module.controllers, module.injectables])
        for (const wrapper of map.values() as Iterable<Wrapper>) yield [wrapper, module];
    }
  }
}

function classOf(wrapper: Wrapper): Constructor | undefined {
  if (wrapper.isNotMetatype) return undefined;
  const { metatype } = wrapper;
  return typeof metatype === 'function' && typeof metatype.prototype === 'object'
    ? (metatype as Constructor)
    : undefined;
}

/** Nest remembers the answer: asked only of a class whose objects, and so whatever they rest on, are there already. */
function isSingle(wrapper: Wrapper): boolean {
  return !wrapper.isTransient && wrapper.isDependencyTreeStatic();
}

/** Of a provider with a single object, once it has been made. Of others perhaps a placeholder, which nothing else is. */
function instanceOf(wrapper: Wrapper): object | undefined {
  const instance: unknown = wrapper.instance;
  return typeof instance === 'object' && instance !== null ? instance : undefined;
}

/** Undefined also for a proxy that does not tell. */
export function prototypeOf(object: object): object | undefined {
  try {
    return (Object.getPrototypeOf(object) as object | null) ?? undefined;
  } catch {
    return undefined;
  }
}

/** The class a prototype belongs to. What copies methods from class to class often copies `constructor` too. */
export function ownClass(prototype: object | undefined): Constructor | undefined {
  if (prototype === undefined) return undefined;
  const type = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as Constructor | undefined;
  return typeof type === 'function' && type.prototype === prototype ? type : undefined;
}
