/** Runs a piece of work somewhere: in a scope, in a load. */
export type RunInContext = <R>(work: () => R) => R;

/** The same with arguments for the work, which spares it a function of its own, and with that a line in stack traces. */
export type Entrance = <R, Args extends readonly unknown[]>(work: (...args: Args) => R, ...args: Args) => R;

/** What comes of work that can be awaited, once it has begun. */
export type Begun<R> = 0 extends 1 & R ? R : [R] extends [never] ? R : R extends PromiseLike<infer T> ? Promise<T> : R;

/**
 * What user code returned, once it has begun. A query builder (of mongoose, knex, drizzle …) is no promise: it begins at
 * `then`, and would begin in the scope of the caller that awaits it. So `then` is called here, in the scope that this is
 * called in, and exactly once: a query runs again at each further one. What such a thing brings may be another one,
 * handed over in a callback of a pool that belongs to no caller; that begins in it.
 * @throws what a getter of `then` throws
 */
export function begun(made: unknown, inContext: RunInContext): unknown {
  if (!isObject(made) || isUnderWay(made)) return made;
  const { then } = made as { then?: unknown };
  if (typeof then !== 'function') return made;
  return new Promise<unknown>((resolve, reject) => {
    let isTaken = false;
    const take = (value: unknown): void => {
      // Only the first answer counts, and only that may begin.
      if (isTaken) return;
      isTaken = true;
      try {
        resolve(inContext(() => begun(value, inContext)));
      } catch (error) {
        reject(error as Error);
      }
    };
    Reflect.apply(then, made, [take, reject]);
  });
}

/** True for promises that began when they were made: waiting for them begins nothing. */
export function isUnderWay(made: unknown): made is Promise<unknown> {
  // A class of promises with a `then` of its own may well begin there.
  return made instanceof Promise && Object.is(made.then, Promise.prototype.then);
}

export function isObject(made: unknown): made is object {
  return (typeof made === 'object' && made !== null) || typeof made === 'function';
}
