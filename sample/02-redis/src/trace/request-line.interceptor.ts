import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { tap, type Observable } from 'rxjs';
import type { Traced } from '../../../01-quick-start/src/trace/trace.interceptor.js';

/** What this needs of a request, of whatever platform. */
interface Request {
  readonly method: string;
  readonly url: string;
}

/** A line for every answer: what was asked, and where the answer came from. */
@Injectable()
export class RequestLineInterceptor implements NestInterceptor<Traced> {
  intercept(context: ExecutionContext, next: CallHandler<Traced>): Observable<Traced> {
    const { method, url } = context.switchToHttp().getRequest<Request>();
    const asked = `${method} ${url}`.padEnd(34);
    return next.handle().pipe(
      tap({
        next: ({ cache, tookMs }) => console.log(`${asked} ${cache.padEnd(11)} ${tookMs.toFixed(1).padStart(6)} ms`),
        error: ({ name }: Error) => console.log(`${asked} ${name}`),
      }),
    );
  }
}
