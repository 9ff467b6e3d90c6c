import type { Frame, Loading } from '../core/frame.js';
import { NO_SCOPE, type Scope } from '../core/keys/scope.js';
import type { Part } from './resolver-notes.js';
import { LateScopeResolver } from './late-scope-resolver.js';

/** What surrounds a call, as it is carried along the asynchronous flow. */
export type Store = EnteredScope | RequestScope;

/** Says why a resolver found no such id. */
export type Why = (part: Part) => string;

/** A cache by how it resolves the scope of a request: those with the same `way` share what was found. */
interface Cache {
  readonly way: unknown;
}

/** A scope that was entered explicitly, by a load, a put or `runInScope`: it holds for all caches. */
export class EnteredScope {
  constructor(
    readonly frame: Frame,
    /** The request that it happens in, where one is known. */
    readonly owner: unknown,
    /** What had been resolved for that request before. */
    readonly requestScope: RequestScope | undefined,
  ) {}

  get loading(): Loading | undefined {
    return this.frame.loading;
  }
}

/**
 * A request, and its scope as one resolver finds it. Caches with another resolver have a layer of their own, in `outer`;
 * each resolver has one layer.
 */
export class RequestScope {
  private readonly way: unknown;

  constructor(
    private readonly cache: Cache,
    private readonly answer: Frame | LateScopeResolver,
    readonly owner: unknown,
    readonly outer: Store | undefined,
    readonly loading: Loading | undefined,
    /** Why an id was not found, where the answer is known. */
    private readonly why?: Why,
  ) {
    this.way = cache.way;
  }

  /** Why a resolver finds no such id in the request, for messages. */
  explain(way: unknown, part: Part): string | undefined {
    const { answer, outer } = this;
    if (this.way !== way) return outer instanceof RequestScope ? outer.explain(way, part) : undefined;
    return answer instanceof LateScopeResolver ? answer.explain(part) : this.why?.(part);
  }

  /** Whether another cache has resolved it with the same resolver. */
  isSharedBy(cache: Cache, owner: unknown): boolean {
    return this.owner === owner && this.way === cache.way && this.cache !== cache;
  }

  /** The frame for a resolver: that of its layer. @throws ScopeInvalidError */
  frameFor(way: unknown): Frame | undefined {
    const { loading } = this;
    const frame = this.found(way);
    if (frame === undefined) return loading && { scope: NO_SCOPE, loading };
    return frame.loading === loading ? frame : { scope: frame.scope, loading };
  }

  /** The surroundings without the layer of a resolver, which is about to get a new one. */
  without(way: unknown): Store | undefined {
    if (this.way === way) return this.outer;
    const outer = outerOf(this.outer, way);
    return outer === this.outer
      ? this
      : new RequestScope(this.cache, this.answer, this.owner, outer, this.loading, this.why);
  }

  private found(way: unknown): Frame | undefined {
    const { answer, outer } = this;
    if (this.way === way) return answer instanceof LateScopeResolver ? answer.frame() : answer;
    return outer instanceof RequestScope ? outer.found(way) : outer?.frame;
  }
}

export function outerOf(store: Store | undefined, way: unknown): Store | undefined {
  return store instanceof RequestScope ? store.without(way) : store;
}

/** What has been resolved for the request. */
export function requestScopeIn(store: Store | undefined): RequestScope | undefined {
  return store instanceof EnteredScope ? store.requestScope : store;
}

/** Whether another cache has resolved a request with the same resolver, whatever was entered explicitly since. */
export function isSharedByOther(store: Store | undefined, owner: unknown, cache: Cache): boolean {
  for (let at = requestScopeIn(store); at !== undefined; at = requestScopeIn(at.outer))
    if (at.isSharedBy(cache, owner)) return true;
  return false;
}

/** The surroundings if they belong to the request or to none: those of another request end where this one begins. */
export function ownOf(store: Store | undefined, owner: unknown): Store | undefined {
  if (store === undefined || store.owner === owner) return store;
  return store instanceof EnteredScope && store.owner === undefined ? store : undefined;
}

/** The surroundings marked as those of the request: those of another request are left for an empty scope. */
export function claimed(store: Store | undefined, owner: unknown): Store {
  if (store !== undefined && store.owner === owner) return store;
  if (store instanceof EnteredScope && store.owner === undefined)
    return new EnteredScope(store.frame, owner, store.requestScope);
  return new EnteredScope({ scope: NO_SCOPE, loading: undefined }, owner, undefined);
}

/** The same surroundings with a fixed scope, watched by the load of the caller that continues in them. */
export function fixedIn(store: Store | undefined, cache: Cache, scope: Scope, loading: Loading | undefined): Store {
  const frame = { scope, loading };
  if (store instanceof RequestScope)
    return new RequestScope(cache, frame, store.owner, store.without(cache.way), loading);
  return new EnteredScope(frame, store?.owner, store?.requestScope);
}
