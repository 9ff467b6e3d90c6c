import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { CacheContext } from '../../context/cache-context.js';
import type { RunInContext } from '../../core/async/begun.js';
import { observeInContext } from '../cache/observe-in-context.js';
import { incomingOf } from './scope-source.js';

/**
 * An interceptor that lets each request go on as itself, whatever lets it go on (a timer, another request): what comes
 * after it begins in the context of the request, and its answer comes back in them.
 */
export function boundInterceptor(interceptor: NestInterceptor, context: CacheContext): NestInterceptor {
  const intercept: NestInterceptor['intercept'] = (execution, next) =>
    ambient(
      context,
      execution,
    )(() => interceptor.intercept(execution, { handle: () => onward(ambient(context, execution), next) }));
  // All else is the interceptor's own: code that looks at the list finds its class and its properties.
  return Object.create(interceptor, { intercept: { value: intercept } }) as NestInterceptor;
}

/**
 * Stands between the interceptors that a class or a method names, which Nest makes for itself. Classes may be those of
 * several applications, each with a flow of its own that its caches share.
 */
export class ChainLink implements NestInterceptor {
  /** Those of the caches that are open, by their flow. */
  private readonly contexts = new Map<CacheContext['flow'], Set<CacheContext>>();

  add(context: CacheContext): void {
    const same = this.contexts.get(context.flow);
    if (same === undefined) this.contexts.set(context.flow, new Set([context]));
    else same.add(context);
  }

  /** Whether any is left. */
  delete(context: CacheContext): boolean {
    const same = this.contexts.get(context.flow);
    same?.delete(context);
    if (same?.size === 0) this.contexts.delete(context.flow);
    return this.contexts.size > 0;
  }

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    let inContext: RunInContext = (work) => work();
    for (const [context] of this.contexts.values()) {
      if (context === undefined) continue;
      const within = ambient(context, execution);
      const before = inContext;
      inContext = (work) => before(() => within(work));
    }
    return onward(inContext, next);
  }
}

/** Nest has one execution for each request and its chain, which no other request has. */
function ambient(context: CacheContext, execution: ExecutionContext): RunInContext {
  return context.keep(execution, incomingOf(execution));
}

function onward(inContext: RunInContext, next: CallHandler): Observable<unknown> {
  return observeInContext(
    inContext(() => next.handle()),
    inContext,
  );
}
