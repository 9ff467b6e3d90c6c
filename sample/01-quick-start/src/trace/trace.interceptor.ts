import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { map, Observable } from 'rxjs';
import { RequestTrace } from './request-trace.js';

/** What every answer looks like: for seeing the cache work. Not for production, where it would tell too much. */
export interface Traced {
  /** `miss`, `hit`, `stale`, `invalidated`, or several of them; `-` when the cache was not asked. */
  readonly cache: string;
  readonly tookMs: number;
  readonly data: unknown;
}

@Injectable()
export class TraceInterceptor implements NestInterceptor {
  constructor(private readonly trace: RequestTrace) {}

  intercept(_: ExecutionContext, next: CallHandler<unknown>): Observable<Traced> {
    const notes = new Set<string>();
    const startedAtMs = performance.now();
    return new Observable<unknown>((subscriber) =>
      this.trace.run(notes, () => next.handle().subscribe(subscriber)),
    ).pipe(
      map((data) => ({
        cache: notes.size === 0 ? '-' : [...notes].join(', '),
        tookMs: Math.round((performance.now() - startedAtMs) * 10) / 10,
        data,
      })),
    );
  }
}
