import { Observable, takeWhile } from 'rxjs';
import type { RunInContext } from '../../core/async/begun.js';

/** The same Observable: subscribed to inside, and with everything it says handed on inside. */
export function observeInContext<T>(source: Observable<T>, inContext: RunInContext): Observable<T> {
  return new Observable((subscriber) => {
    // A source that says everything at once does not ask whether its subscriber still listens.
    const open = source.pipe(takeWhile(() => !subscriber.closed));
    return inContext(() =>
      open.subscribe({
        next: (value) => inContext(() => subscriber.next(value)),
        error: (error: unknown) => inContext(() => subscriber.error(error)),
        complete: () => inContext(() => subscriber.complete()),
      }),
    );
  });
}
