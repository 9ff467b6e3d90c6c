import type { RunInContext } from './begun.js';

/** What is used of an Observable, whichever copy of rxjs it comes from. */
interface ObservableLike {
  subscribe(observer: object): { unsubscribe(): void };
}

interface SubscriberLike {
  readonly closed: boolean;
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
  add(teardown: unknown): void;
  remove(teardown: unknown): void;
  unsubscribe(): void;
}

type ObservableClass = new (subscribe: (subscriber: SubscriberLike) => unknown) => object;

/** True for the class Observable and those derived from it, whichever copy of rxjs they come from. */
export function isObservableClass(type: unknown): type is ObservableClass {
  const prototype = typeof type === 'function' ? (type.prototype as Record<string, unknown> | undefined) : undefined;
  return typeof prototype?.['subscribe'] === 'function' && typeof prototype['pipe'] === 'function';
}

/** One that begins when a subscriber comes. A Subject, and what is derived from it, runs with or without one. */
export function isColdObservable(value: object): value is ObservableLike {
  const prototype = Object.getPrototypeOf(value) as { readonly constructor?: unknown } | null;
  return isObservableClass(prototype?.constructor) && Object.getPrototypeOf(prototype) === Object.prototype;
}

/** The same, begun inside; what it emits is taken in the context of the subscriber, as of any other. */
export function boundObservable(observable: ObservableLike, inContext: RunInContext, hold: () => RunInContext): object {
  const Type = observable.constructor as ObservableClass;
  return new Type((subscriber) => {
    const outside = hold();
    // A subscriber in all respects: a source that never waits looks here whether its subscriber still listens.
    const observer = {
      get closed() {
        return subscriber.closed;
      },
      next: (value: unknown) => outside(() => subscriber.next(value)),
      error: (error: unknown) => outside(() => subscriber.error(error)),
      complete: () => outside(() => subscriber.complete()),
      add: (teardown: unknown) => subscriber.add(teardown),
      remove: (teardown: unknown) => subscriber.remove(teardown),
      unsubscribe: () => subscriber.unsubscribe(),
    };
    return inContext(() => observable.subscribe(observer));
  });
}
