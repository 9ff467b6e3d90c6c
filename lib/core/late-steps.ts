/**
 * What runs later than the code that made it: generators and other iterators, iterables whose iteration is code,
 * Observables, queries inside of what was returned. Each runs when somebody walks through it, perhaps long after the
 * scope that it was made in has been left, and then in the walker's. Bound, it runs in its own.
 *
 * Looks at the value itself and, a few levels deep, at plain objects and lists in it, at most so many things in all; what
 * is hidden deeper runs in the scope of its walker. What may be shared with others (a query builder, an
 * iterable) is never changed: whoever gets it gets a view of it, in a copy of the list or object that it came in.
 */
import { begun, isUnderWay, type Inside } from './begun.js';
import { boundObservable, isColdObservable } from './observables.js';
import { isThenable } from './thenable.js';

const MAX_THINGS = 256;
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

type Steps = Partial<Record<(typeof STEPS)[number], (...args: unknown[]) => unknown>>;

export class LateSteps {
  private left = MAX_THINGS;

  constructor(
    /** Where the steps run. */
    private readonly inside: Inside,
    /** Keeps the surroundings of now, for what is handed out of a step. */
    private readonly hold: () => Inside,
  ) {}

  bind(value: unknown, depth = 0): unknown {
    if (typeof value !== 'object' || value === null || this.left-- <= 0) return value;
    try {
      if (ITERATORS.some((kind) => kind.isPrototypeOf(value))) return this.steps(value);
      if (isColdObservable(value)) return boundObservable(value, this.inside, this.hold);
      if (isUnderWay(value) || ArrayBuffer.isView(value)) return value;
      if (isThenable(value) || isIteratedByCode(value)) return this.view(value);
      return depth < MAX_DEPTH ? this.parts(value, depth + 1) : value;
    } catch {
      // A thing that does not let itself be looked at stays what it is.
      return value;
    }
  }

  /** An iterator has one walker, so it is bound itself: nobody has to know. */
  private steps(iterator: Steps): object {
    if (!Object.isExtensible(iterator)) return this.view(iterator);
    for (const name of STEPS) {
      const take = iterator[name]?.bind(iterator);
      if (take === undefined) continue;
      Object.defineProperty(iterator, name, {
        value: (...args: unknown[]) => this.step(this.inside(() => take(...args))),
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
    const bound = new LateSteps(this.inside, this.hold).bind(value, MAX_DEPTH);
    return bound === value ? result : { value: bound, done };
  }

  private parts(value: object, depth: number): unknown {
    const isList = Array.isArray(value);
    const isReplaceable = isList || isPlain(value);
    let copy: Record<string, unknown> | undefined;
    for (const name in value) {
      if (this.left <= 0) break;
      const part = Object.getOwnPropertyDescriptor(value, name)?.value as unknown;
      if (typeof part !== 'object' || part === null) continue;
      // Things of a class are not taken apart, beyond the iterators that they hold.
      const bound = this.bind(part, isReplaceable ? depth : MAX_DEPTH);
      if (bound === part || !isReplaceable) continue;
      copy ??= (isList ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
      copy[name] = bound;
    }
    return copy ?? value;
  }

  /** The same thing, whose methods run inside. What waits for it begins it inside and goes on outside. */
  private view(target: object): object {
    const { inside } = this;
    const bind = (made: unknown): unknown => (made === target ? view : new LateSteps(inside, this.hold).bind(made));
    const view: object = new Proxy(target, {
      get: (_, name) => {
        const value = inside(() => Reflect.get(target, name, target) as unknown);
        const own = Reflect.getOwnPropertyDescriptor(target, name);
        const isFixed = own?.configurable === false && own.writable !== true;
        if (typeof value !== 'function' || name === 'constructor' || isFixed) return value;
        if (WAITS.has(name) && isThenable(target)) {
          return (...handlers: never[]) => {
            const answer = inside(() => begun(target, inside)) as Promise<unknown>;
            return answer[name as 'then'](...handlers);
          };
        }
        return (...args: unknown[]) => bind(inside(() => Reflect.apply(value, target, args) as unknown));
      },
    });
    return view;
  }
}

/**
 * An iterable or iterator written by hand: on a plain object, or as a generator in a class. Collections are not meant;
 * nothing but their contents comes out of them, and some do not work through a view.
 */
function isIteratedByCode(value: object): boolean {
  if (Array.isArray(value)) return false;
  const thing = value as { [Symbol.asyncIterator]?: unknown; [Symbol.iterator]?: unknown; next?: unknown };
  const iterate = thing[Symbol.asyncIterator] ?? thing[Symbol.iterator];
  if (typeof iterate === 'function' && GENERATOR_FUNCTIONS.includes(Object.getPrototypeOf(iterate))) return true;
  return isPlain(value) && (typeof iterate === 'function' || typeof thing.next === 'function');
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
