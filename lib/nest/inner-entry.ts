import 'reflect-metadata';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { MetadataScanner, type ExternalContextCreator, type ModulesContainer } from '@nestjs/core';
import { Observable } from 'rxjs';
import { CacheScopeInterceptor } from './cache-scope.interceptor.js';

/** The names under which Nest keeps the interceptors of a method, and the path of a route. */
const INTERCEPTORS = '__interceptors__';
const PATH = 'path';

/** How Nest finds the interceptors of a route. Private to it: where it is missing, every route counts as having some. */
interface Finder {
  readonly interceptorsContextCreator?: {
    create?(controller: object, method: object, moduleKey: string): readonly object[];
  };
}

/** Runs `work` for the request, in its scope. */
export type Enter = (request: unknown, work: () => void) => void;

/**
 * The last interceptor of every route that has others: enters the scope of the request behind them, right before pipes
 * and handler. An interceptor that lets requests wait (a bulkhead, a lock, a pool with callbacks) goes on inside of
 * whoever leaves, and the handler would act for them. It stands at the methods only as long as Nest looks for it there:
 * classes may be those of several applications, which then pass through each other's, each in a context of its own.
 */
export class InnerEntry implements NestInterceptor {
  /** The methods it stands at, and whether Nest makes their chain once, or for every request. */
  private readonly methods = new Map<object, boolean>();

  constructor(
    private readonly modules: ModulesContainer,
    private readonly creator: ExternalContextCreator,
    private readonly enter: Enter,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    // A method may answer messages too, whose payload is no request: anybody can write a user into it.
    if (execution.getType() !== 'http') return next.handle();
    const request = execution.switchToHttp().getRequest<unknown>();
    return new Observable((subscriber) => this.enter(request, () => void next.handle().subscribe(subscriber)));
  }

  stand(): void {
    const scanner = new MetadataScanner();
    for (const [key, { controllers }] of this.modules) {
      for (const wrapper of controllers.values()) {
        const { instance } = wrapper;
        if (typeof instance !== 'object' || instance === null) continue;
        const controller = instance as Record<string, unknown>;
        for (const name of scanner.getAllMethodNames(Object.getPrototypeOf(controller) as object)) {
          const method = controller[name];
          if (isRoute(method) && this.hasOthers(controller, method, key))
            this.standAt(method, wrapper.isDependencyTreeStatic());
        }
      }
    }
  }

  /** @param isOver the application has ended: no request comes any more */
  leave(isOver: boolean): void {
    for (const [method, isStatic] of this.methods) {
      if (!isStatic && !isOver) continue;
      this.methods.delete(method);
      const rest = interceptorsOf(method).filter((interceptor) => interceptor !== this);
      if (rest.length > 0) Reflect.defineMetadata(INTERCEPTORS, rest, method);
      else Reflect.deleteMetadata(INTERCEPTORS, method);
    }
  }

  private standAt(method: object, isStatic: boolean): void {
    const before = this.methods.get(method);
    this.methods.set(method, isStatic && before !== false);
    if (before !== undefined) return;
    Reflect.defineMetadata(INTERCEPTORS, [...interceptorsOf(method), this], method);
  }

  private hasOthers(controller: object, method: object, moduleKey: string): boolean {
    const finder = (this.creator as unknown as Finder).interceptorsContextCreator;
    const found = finder?.create?.(controller, method, moduleKey);
    return found?.every(isOurs) !== true;
  }
}

/** Those of this and other caches let nobody wait. */
function isOurs(interceptor: object): boolean {
  const { prototype } = CacheScopeInterceptor;
  return interceptor instanceof InnerEntry || Object.getPrototypeOf(interceptor) === prototype;
}

function isRoute(method: unknown): method is object {
  return typeof method === 'function' && Reflect.getMetadata(PATH, method) !== undefined;
}

function interceptorsOf(method: object): readonly unknown[] {
  return (Reflect.getMetadata(INTERCEPTORS, method) as readonly unknown[] | undefined) ?? [];
}
