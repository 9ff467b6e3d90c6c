/**
 * A value, or the promise of one. A backend inside this process answers at once and its callers go on without a
 * turn of the event loop; the same code path awaits a backend behind a network. A promise is a real one: other thenables
 * are taken for answers.
 */
export type Awaitable<T> = T | Promise<T>;

/** True for a promise (ours are always real ones). */
export function isPending<T>(answer: Awaitable<T>): answer is Promise<T> {
  return answer instanceof Promise;
}

/** Goes on with the answer, now if it is here. */
export function andThen<T, R>(answer: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return isPending(answer) ? answer.then(next) : next(answer);
}
