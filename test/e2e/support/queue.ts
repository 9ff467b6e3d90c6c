/** Interceptors that make requests wait and let them go on in the callback of another one. */
import {
  Injectable,
  Scope,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { Observable } from 'rxjs';

/** Lets one through at a time; a request that waits is let go on by the one that leaves, inside of *that* one. */
export class Turnstile {
  waited = 0;
  private isTaken = false;
  private readonly waiting: (() => void)[] = [];

  enter(go: () => void): void {
    if (this.isTaken) {
      this.waited++;
      this.waiting.push(go);
      return;
    }
    this.isTaken = true;
    go();
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.isTaken = false;
    else next();
  }
}

/** All requests of an application pass one turnstile, whether Nest makes the interceptor once or for each of them. */
export function queueOf(turnstile: Turnstile, made: { scope?: Scope; durable?: boolean } = {}): Type<NestInterceptor> {
  @Injectable(made)
  class QueueInterceptor implements NestInterceptor {
    intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
      return new Observable((subscriber) => {
        turnstile.enter(() => next.handle().subscribe(subscriber));
        return () => turnstile.leave();
      });
    }
  }
  return QueueInterceptor;
}

/** Holds answers back until all are there, and hands them on in the callback of the last. */
export function batchOf(size: number): Type<NestInterceptor> {
  let held: (() => void)[] = [];
  @Injectable()
  class BatchInterceptor implements NestInterceptor {
    intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
      return new Observable((subscriber) =>
        next.handle().subscribe({
          next: (value) => {
            held.push(() => {
              subscriber.next(value);
              subscriber.complete();
            });
            if (held.length < size) return;
            const all = held;
            held = [];
            all.forEach((go) => go());
          },
          error: (error: unknown) => subscriber.error(error),
        }),
      );
    }
  }
  return BatchInterceptor;
}
