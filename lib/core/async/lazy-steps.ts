/**
 * What runs later than the code that made it: generators and other iterators, iterables whose iteration is code,
 * Observables, queries inside of what was returned. Each runs when a caller walks through it, perhaps long after the
 * scope that it was made in has been left, and then in the scope of that caller, the walker. Bound, it runs in its own.
 *
 * Looks at the value itself and, a few levels deep, at plain objects, lists and Maps in it, at most so many things in
 * all; what is hidden deeper, behind a promise or in a stream, runs in the scope of its walker. (A stream calls its
 * listeners itself: bound, it would run them in a scope that is not theirs.) What may be shared with others (a query
 * builder, an iterable) is never changed: the caller gets a view of it, in a copy of the list or object that holds it.
 */
import { begun, isUnderWay, type RunInContext } from './begun.js';
import { boundObservable, isColdObservable } from './observables.js';
import { isThenable } from './thenable.js';

const MAX_THINGS = 256;
/** Of properties and items, numbers and texts among them: a large table is not read through for what it does not have. */
const MAX_PARTS = 4_096;
const MAX_DEPTH = 4;
const STEPS = Object.freeze(['next', 'return', 'throw'] as const);
const WAITS: ReadonlySet<unknown> = new Set(['then', 'catch', 'finally']);

const [GENERATOR, ASYNC_GENERATOR] = [function* () {}, async function* () {}].map(
  (kind) => Object.getPrototypeOf(kind.prototype) as object,
) as [object, object];
/** What all iterators that the language itself makes inherit from, generators among them. */
const ITERATORS: readonly object[] = [GENERATOR, ASYNC_GENERATOR].map((kind) => Object.getPrototypeOf(kind) as object);
const GENERATOR_FUNCTIONS: readonly unknown[] = [function* () {}, async function* () {}].map((kind) =>
  Object.getPrototypeOf(kind),
);

/** Once is enough: the scope that it was made in is the first, and each further wrapper would call through all before. */
const IS_BOUND: unique symbol = Symbol('bound');

type Steps = Partial<Record<(typeof STEPS)[number], (...args: unknown[]) => unknown>>;

export class LazySteps {
  private left = MAX_THINGS;
  private partsLeft = MAX_PARTS;

  constructor(
    /** Where the steps run. */
    private readonly inContext: RunInContext,
    /** Keeps the context of now, for what is handed out of a step. */
    private readonly hold: () => RunInContext,
  ) {}

  bind(value: unknown, depth = 0): unknown {
    if (typeof value !== 'object' || value === null || this.left-- <= 0) return value;
    try {
      if (ITERATORS.some((kind) => kind.isPrototypeOf(value))) return this.steps(value);
      if (isColdObservable(value)) return boundObservable(value, this.inContext, this.hold);
      if (isUnderWay(value) || ArrayBuffer.isView(value)) return value;
      if (isThenable(value) || isIteratedByCode(value)) return this.view(value);
      return depth < MAX_DEPTH ? this.taken(value, depth + 1) : value;
    } catch {
      // A thing that does not let itself be looked at stays what it is.
      return value;
    }
  }

  /** An iterator has one walker, so it is bound itself: no other caller can notice. */
  private steps(iterator: Steps): object {
    if (!Object.isExtensible(iterator)) return this.view(iterator);
    if (IS_BOUND in iterator) return iterator;
    Object.defineProperty(iterator, IS_BOUND, { value: true });
    for (const name of STEPS) {
      const take = iterator[name]?.bind(iterator);
      if (take === undefined) continue;
      Object.defineProperty(iterator, name, {
        value: (...args: unknown[]) => this.step(this.inContext(() => take(...args))),
        configurable: true,
        writable: true,
      });
    }
    return iterator;
  }

  /** A plain generator may hand out what has not begun; an asynchronous one waits for it, inside of its step. */
  private step(result: unknown): unknown {
    if (isUnderWay(result) || typeof result !== 'object' || result === null) return result;
    const { value, done } = result as IteratorResult<unknown>;
    const bound = new LazySteps(this.inContext, this.hold).bind(value, MAX_DEPTH);
    return bound === value ? result : { value: bound, done };
  }

  private taken(value: object, depth: number): unknown {
    if (Array.isArray(value)) return this.list(value, depth);
    if (Object.getPrototypeOf(value) === Map.prototype) return this.map(value as Map<unknown, unknown>, depth);
    return isPlain(value) ? this.object(value, depth) : this.instance(value);
  }

  private list(items: readonly unknown[], depth: number): unknown {
    let copy: unknown[] | undefined;
    for (let at = 0; at < items.length && this.isGoingOn(); at++) {
      const item = ownValue(items, at);
      const bound = this.bind(item, depth);
      if (bound === item) continue;
      copy ??= copyOf(items, []);
      copy[at] = bound;
    }
    return copy ?? items;
  }

  private map(entries: Map<unknown, unknown>, depth: number): unknown {
    let copy: Map<unknown, unknown> | undefined;
    for (const [key, member] of entries) {
      if (!this.isGoingOn()) break;
      const bound = this.bind(member, depth);
      if (bound !== member) (copy ??= new Map(entries)).set(key, bound);
    }
    return copy ?? entries;
  }

  private object(value: object, depth: number): unknown {
    let copy: object | undefined;
    for (const name in value) {
      if (!this.isGoingOn()) break;
      const part = ownValue(value, name);
      const bound = this.bind(part, depth);
      if (bound === part) continue;
      copy ??= copyOf(value, {});
      Object.defineProperty(copy, name, { value: bound });
    }
    return copy ?? value;
  }

  /** Not taken apart, beyond the iterators that it holds; a caller that looks for a query in it gets it from a view. */
  private instance(value: object): unknown {
    let holdsQuery = false;
    for (const name in value) {
      if (!this.isGoingOn()) break;
      const part = ownValue(value, name);
      if (this.bind(part, MAX_DEPTH) !== part) holdsQuery ||= isThenable(part);
    }
    return holdsQuery ? this.view(value) : value;
  }

  private isGoingOn(): boolean {
    return this.left > 0 && this.partsLeft-- > 0;
  }

  /** The same thing, whose methods run inside. What waits for it begins it inside and goes on outside. */
  private view(target: object): object {
    const { inContext } = this;
    const bind = (made: unknown): unknown => (made === target ? view : new LazySteps(inContext, this.hold).bind(made));
    const view: object = new Proxy(unlocked(target), {
      get: (_, name) => {
        const value = inContext(() => Reflect.get(target, name, target) as unknown);
        if (name === 'constructor') return value;
        if (typeof value !== 'function') return isLazy(value) ? bind(value) : value;
        if (WAITS.has(name) && isThenable(target)) {
          return (...handlers: never[]) => {
            const answer = inContext(() => begun(target, inContext)) as Promise<unknown>;
            return answer[name as 'then'](...handlers);
          };
        }
        return (...args: unknown[]) => bind(inContext(() => Reflect.apply(value, target, args) as unknown));
      },
      // A setter may write to what only the thing itself has.
      set: (_, name, value) => inContext(() => Reflect.set(target, name, value)),
    });
    return view;
  }
}

/**
 * An iterable or iterator written by hand: on a plain object, as a generator in a class, or asynchronous. Collections
 * are not meant; nothing but their contents comes out of them, and some do not work through a view.
 */
function isIteratedByCode(value: object): boolean {
  if (Array.isArray(value)) return false;
  const thing = value as { [Symbol.asyncIterator]?: unknown; [Symbol.iterator]?: unknown; next?: unknown };
  const later = thing[Symbol.asyncIterator];
  const iterate = later ?? thing[Symbol.iterator];
  if (typeof iterate === 'function' && GENERATOR_FUNCTIONS.includes(Object.getPrototypeOf(iterate))) return true;
  if (isPlain(value)) return typeof iterate === 'function' || typeof thing.next === 'function';
  return typeof later === 'function' && !isStream(value);
}

/** Of Node, of the web, and whatever else calls its listeners. */
function isStream(value: object): boolean {
  const { on, getReader } = value as { on?: unknown; getReader?: unknown };
  return typeof on === 'function' || typeof getReader === 'function';
}

function isLazy(value: unknown): boolean {
  return isThenable(value) && !isUnderWay(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Without running a getter. */
function ownValue(value: object, name: PropertyKey): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value as unknown;
}

/** A copy of the same class that can be changed; what is a getter stays one. */
function copyOf<T extends object>(value: object, copy: T): T {
  Object.setPrototypeOf(copy, Object.getPrototypeOf(value) as object | null);
  return Object.defineProperties(copy, changeable(value));
}

function changeable(value: object): PropertyDescriptorMap {
  const own = Object.getOwnPropertyDescriptors(value) as Record<PropertyKey, PropertyDescriptor>;
  for (const name of Reflect.ownKeys(own)) {
    const property = own[name] as PropertyDescriptor;
    // The length of a list can be written, and no more.
    if (!(name === 'length' && Array.isArray(value))) property.configurable = true;
    if ('value' in property) property.writable = true;
  }
  return own;
}

/** What a view can be of: of a frozen thing it would have to show the methods as they are. */
function unlocked(target: object): object {
  const isLocked = Reflect.ownKeys(target).some(
    (name) => Reflect.getOwnPropertyDescriptor(target, name)?.configurable === false,
  );
  return isLocked ? copyOf(target, {}) : target;
}
