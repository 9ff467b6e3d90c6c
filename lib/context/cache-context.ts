import { begun, type Begun, type Entrance, type RunInContext } from '../core/async/begun.js';
import type { Frame, Loading, AmbientContext } from '../core/frame.js';
import { NO_SCOPE, type Scope } from '../core/keys/scope.js';
import type { LateScopeResolver } from './late-scope-resolver.js';
import type { Part } from './resolver-notes.js';
import { ScopeFlow } from './scope-flow.js';
import {
  RequestScope,
  requestScopeIn,
  outerOf,
  claimed,
  EnteredScope,
  fixedIn,
  isSharedByOther,
  ownOf,
  type Store,
  type Why,
} from './scope-store.js';

const NO_REQUEST =
  'No request surrounds this call. In jobs, queues and scripts: cache.runInScope({ tenant, user }, fn). In guards and ' +
  "middleware: after the guards. In field resolvers of GraphQL: fieldResolverEnhancers: ['interceptors'] in GraphQLModule.forRoot().";

const here: RunInContext = (work) => work();

/**
 * The scope of the running call, carried along the asynchronous flow: as one cache sees it. A scope entered by a load, a
 * put or `runInScope` of any cache of the application holds for all of them; that of a request each cache resolves with
 * its own resolver, and those with the same one share what it found. Only ever entered with `run`: what is not inside a
 * run has no scope, and nothing leaks from one request into the next.
 *
 * The flow alone does not tell requests apart: one that waited may continue in the callback of another. So what is
 * entered for a request is marked with it, everything entered inside inherits the mark, and where the request itself is
 * at hand (between two interceptors) `keep` compares: surroundings of another request are left for the own ones.
 */
export class CacheContext implements AmbientContext {
  /** The resolver of its cache: what is found is shared by it. A placeholder of its own until the resolver is known. */
  way: object = Object.freeze({});
  private isTaken = false;

  constructor(
    /** Shared by the caches of an application. */
    readonly flow: ScopeFlow = new ScopeFlow(),
  ) {}

  /** The context for one more cache: this, or (where several were given one and the same) a view of its own. */
  forCache(): CacheContext {
    const own = this.isTaken ? (Object.create(this) as CacheContext) : this;
    if (own !== this) own.way = Object.freeze({});
    own.isTaken = true;
    return own;
  }

  /** Sets the resolver of its cache: caches with the same resolver share what it finds. */
  resolveBy(resolver: object): void {
    this.way = resolver;
  }

  /** The frame of the running call, if it is inside one. */
  current(): Frame | undefined {
    const store = this.store();
    return store instanceof RequestScope ? store.frameFor(this.way) : store?.frame;
  }

  /** The scope of the running call; an empty one outside of any. */
  scope(): Scope {
    return this.current()?.scope ?? NO_SCOPE;
  }

  /**
   * Why the running call has no such id, for messages: what its resolver looked for, or that no request surrounds it.
   * Undefined where there is no resolver, or a scope was entered by hand.
   */
  explain(part: Part): string | undefined {
    const store = this.store();
    if (typeof this.way !== 'function') return undefined;
    if (store instanceof RequestScope) return store.explain(this.way, part);
    return store === undefined || store.frame.scope === NO_SCOPE ? NO_REQUEST : undefined;
  }

  /** The load of the running call, if it is inside one, of any cache. Does not resolve the scope. */
  loading(): Loading | undefined {
    return this.store()?.loading;
  }

  /** Captures the surroundings of now: runs work in them later, wherever it is called. */
  held(): RunInContext {
    const store = this.store();
    return (work) => this.flow.storage.run(store, work);
  }

  run<R>(frame: Frame, work: () => R): R {
    return this.flow.storage.run(this.entered(frame), work);
  }

  entrance(frame: Frame): Entrance {
    // Bound, not wrapped: a bound function has no line of its own in a stack trace.
    const { storage } = this.flow;
    const store = storage.getStore();
    const entered = new EnteredScope(frame, store?.owner, requestScopeIn(store));
    return (storage.run<unknown, unknown[]>).bind(storage, entered) as Entrance;
  }

  /** Runs the handler of a request, whose calls resolve the scope when they need it. */
  serve<Args extends unknown[], R>(resolver: LateScopeResolver, handler: (...args: Args) => R, ...args: Args): R {
    const { request } = resolver;
    const store = this.store();
    // Another cache with the same resolver.
    if (isSharedByOther(store, request, this)) return handler(...args);
    const outer = outerOf(ownOf(store, request), this.way);
    return this.flow.storage.run(new RequestScope(this, resolver, request, outer, store?.loading), handler, ...args);
  }

  /**
   * Enters a frame for a request: from here on what happens in it is the request's own.
   * @param incoming see `keep`
   * @param why see `explain`
   */
  begin<R>(request: object, frame: Frame, work: () => R, incoming?: unknown, why?: Why): R {
    const owner = incoming ?? request;
    const outer = outerOf(ownOf(this.store(), owner), this.way);
    const entered = new RequestScope(this, frame, owner, outer, frame.loading, why);
    this.flow.latest.set(request, entered);
    return this.flow.storage.run(entered, work);
  }

  /** Whether another cache with the same resolver has resolved the scope of a request. @param incoming see `keep` */
  knows(request: object, incoming?: unknown): boolean {
    return isSharedByOther(this.store(), incoming ?? request, this);
  }

  /**
   * The surroundings in which a request goes on: the present ones while they are its own (also those that `run` has put
   * into them), else its latest. The first call for a request makes those around it its own, before anything can have
   * made it wait; surroundings that belong to another request it leaves, for those of no caller.
   * @param incoming what several of `request` may come from: then it owns their surroundings
   */
  keep(request: object, incoming: unknown): RunInContext {
    const { storage, latest, isClosed } = this.flow;
    if (isClosed) return here;
    const owner = incoming ?? request;
    const store = this.store();
    const known = latest.get(request);
    const own = known === undefined ? claimed(store, owner) : store?.owner === owner ? store : known;
    if (own !== known) latest.set(request, own as Store);
    return (work) => storage.run(own, work);
  }

  /**
   * Runs work later in the surroundings of now. A load in progress at that time watches it, not one of now, which will
   * have ended.
   */
  bind(): RunInContext {
    const store = this.store();
    const scope = this.scope();
    return (work) => this.flow.storage.run(fixedIn(store, this, scope, this.loading()), work);
  }

  /**
   * Runs outside of any call: timers, connections and handlers created inside belong to no request. A query that is
   * returned begins there, too, and comes as a promise.
   */
  outside<R extends PromiseLike<unknown>>(work: () => R): Begun<R>;
  outside<R>(work: () => R): R;
  outside(work: () => unknown): unknown {
    // Not by `exit`, which before Node 24 switches hooks of the whole process off and on.
    const outside: RunInContext = (step) =>
      this.store() === undefined ? step() : this.flow.storage.run(undefined, step);
    return outside(() => begun(work(), outside));
  }

  /**
   * Ends it, for all caches that share its flow: from here on no caller has a frame. Before Node 24 every store that
   * was ever entered makes each promise of the process more expensive, so short-lived caches must not leave theirs
   * behind. That of an application stays: work that outlives it continues in its scope.
   */
  close(): void {
    this.flow.close();
  }

  private entered(frame: Frame): Store {
    const store = this.store();
    return new EnteredScope(frame, store?.owner, requestScopeIn(store));
  }

  private store(): Store | undefined {
    return this.flow.storage.getStore();
  }
}
