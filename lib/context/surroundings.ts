import type { Frame, Loading } from '../core/frame.js';
import { NOBODY, type Scope } from '../core/keys/scope.js';
import { Asker } from './asker.js';

/** What surrounds a call, as it is carried along. */
export type Store = Entered | Asking;

/** One that asks, and how it finds out. */
interface Cache {
  readonly way: unknown;
}

/** What was said in full, by a load, a put or `runInScope`: it holds for all caches. */
export class Entered {
  constructor(
    readonly frame: Frame,
    /** The request that it happens in, where one is known. */
    readonly owner: unknown,
    /** What that request had found out about itself before. */
    readonly asked: Asking | undefined,
  ) {}

  get loading(): Loading | undefined {
    return this.frame.loading;
  }
}

/**
 * A request, and who is asking as one way of finding out has it. Caches that find out in another way have their own, in
 * what lies around; each way is there once.
 */
export class Asking {
  private readonly way: unknown;

  constructor(
    private readonly by: Cache,
    private readonly who: Frame | Asker,
    readonly owner: unknown,
    readonly around: Store | undefined,
    readonly loading: Loading | undefined,
  ) {
    this.way = by.way;
  }

  /** Whether it was another cache that found it out in the same way. */
  isSharedBy(cache: Cache, owner: unknown): boolean {
    return this.owner === owner && this.way === cache.way && this.by !== cache;
  }

  /** The frame that this or what lies around has for a way of finding out. @throws ScopeInvalidError */
  frameFor(way: unknown): Frame | undefined {
    const { loading } = this;
    const frame = this.found(way);
    if (frame === undefined) return loading && { scope: NOBODY, loading };
    return frame.loading === loading ? frame : { scope: frame.scope, loading };
  }

  /** What remains around it when a way of finding out is asked anew. */
  without(way: unknown): Store | undefined {
    if (this.way === way) return this.around;
    const around = beneath(this.around, way);
    return around === this.around ? this : new Asking(this.by, this.who, this.owner, around, this.loading);
  }

  private found(way: unknown): Frame | undefined {
    const { who, around } = this;
    if (this.way === way) return who instanceof Asker ? who.frame() : who;
    return around instanceof Asking ? around.found(way) : around?.frame;
  }
}

export function beneath(store: Store | undefined, way: unknown): Store | undefined {
  return store instanceof Asking ? store.without(way) : store;
}

/** What a request has found out about itself. */
export function askedIn(store: Store | undefined): Asking | undefined {
  return store instanceof Entered ? store.asked : store;
}

/** Whether another cache has found out the same about a request, whatever has been said in full since. */
export function isAsked(store: Store | undefined, owner: unknown, cache: Cache): boolean {
  for (let at = askedIn(store); at !== undefined; at = askedIn(at.around)) if (at.isSharedBy(cache, owner)) return true;
  return false;
}

/** Surroundings as far as they are the request's own, or belong to no request: others end where it begins. */
export function ownOf(store: Store | undefined, owner: unknown): Store | undefined {
  if (store === undefined || store.owner === owner) return store;
  return store instanceof Entered && store.owner === undefined ? store : undefined;
}

export function claimed(store: Store | undefined, owner: unknown): Store {
  if (store !== undefined && store.owner === owner) return store;
  if (store instanceof Entered && store.owner === undefined) return new Entered(store.frame, owner, store.asked);
  return new Entered({ scope: NOBODY, loading: undefined }, owner, undefined);
}

/** The same surroundings with a scope that stays as it is, watched by the load of the caller that goes on in them. */
export function heldIn(store: Store | undefined, cache: Cache, scope: Scope, loading: Loading | undefined): Store {
  const frame = { scope, loading };
  if (store instanceof Asking) return new Asking(cache, frame, store.owner, store.without(cache.way), loading);
  return new Entered(frame, store?.owner, store?.asked);
}
