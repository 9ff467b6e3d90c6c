import type { ModulesContainer } from '@nestjs/core';
import 'reflect-metadata';
import type { Constructor } from '../../../core/values/canonical.js';
import { areEqual, PROPERTIES, type Wrapper } from './equal-places.js';
import { SERVICE } from './served-object.js';

type Module = ModulesContainer extends Map<string, infer M> ? M : never;

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

  /** What stands under a token, wherever it was made by now. */
  *under(token: symbol): Generator<object> {
    for (const { providers } of this.modules.values()) {
      const wrapper = providers.get(token);
      const instance = wrapper && instanceOf(wrapper);
      if (instance !== undefined) yield instance;
    }
  }

  /** The classes of all objects, those that Nest makes and those that were made for it, and the object where there is one. */
  *all(): Generator<{ readonly type: Constructor; readonly instance: object | undefined; readonly isOfNest: boolean }> {
    for (const [wrapper] of this.wrappers()) {
      const instance = instanceOf(wrapper);
      const own = classOf(wrapper);
      const type = own ?? (instance && ownClass(prototypeOf(instance)));
      if (type !== undefined) yield { type, instance, isOfNest: own !== undefined };
    }
  }

  /**
   * Whether all objects of a class answer alike, as far as the container tells: they come from one place, or from several
   * that are given the same. What a factory or code outside of the container has made is a place of its own.
   * @param isLate everything has been resolved; before, what is still to be resolved is asked about later
   */
  areAlike(type: Constructor, isLate: boolean): boolean {
    const places: Wrapper[] = [];
    for (const [wrapper] of this.wrappers()) {
      if (isPlaceOf(wrapper, type)) places.push(wrapper);
    }
    const [first, ...others] = places;
    return first === undefined || others.every((other) => areEqual(first, other, isLate));
  }

  /** The class of an object that Nest has or makes; undefined for one that it knows nothing of. */
  typeOf(object: object): Constructor | undefined {
    const prototype = prototypeOf(object);
    for (const [wrapper] of this.wrappers()) {
      const type = classOf(wrapper);
      if (type === undefined) {
        if (instanceOf(wrapper) === object) return ownClass(prototype);
      } else if (type.prototype === prototype) {
        if (instanceOf(wrapper) === object || (!isSingle(wrapper) && !isInjected(type))) return type;
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

function isPlaceOf(wrapper: Wrapper, type: Constructor): boolean {
  const own = classOf(wrapper);
  if (own !== undefined) return own === type;
  const instance = instanceOf(wrapper);
  return instance !== undefined && prototypeOf(instance) === type.prototype;
}

function classOf(wrapper: Wrapper): Constructor | undefined {
  if (wrapper.isNotMetatype) return undefined;
  const { metatype } = wrapper;
  return typeof metatype === 'function' && typeof metatype.prototype === 'object'
    ? (metatype as Constructor)
    : undefined;
}

/**
 * Whether Nest injects the cache into the objects of a class. Those that are made for each request or each place have it,
 * then; one without it is made by hand, and perhaps given other things. Of others there is no list.
 */
function isInjected(type: Constructor): boolean {
  const properties = (Reflect.getMetadata(PROPERTIES, type) ?? []) as readonly { readonly key: unknown }[];
  return properties.some(({ key }) => key === SERVICE);
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
  // An object without a class, into which a method was copied.
  if (prototype === Object.prototype) return undefined;
  return typeof type === 'function' && type.prototype === prototype ? type : undefined;
}
