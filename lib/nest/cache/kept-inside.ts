import { Observable, takeWhile } from 'rxjs';
import type { Inside } from '../../core/async/begun.js';

/** The same Observable: subscribed to inside, and with everything it says handed on inside. */
export function keptInside<T>(source: Observable<T>, inside: Inside): Observable<T> {
  return new Observable((subscriber) => {
    // A source that says everything at once does not ask whether anybody still listens.
    const open = source.pipe(takeWhile(() => !subscriber.closed));
    return inside(() =>
      open.subscribe({
        next: (value) => inside(() => subscriber.next(value)),
        error: (error: unknown) => inside(() => subscriber.error(error)),
        complete: () => inside(() => subscriber.complete()),
      }),
    );
  });
}
