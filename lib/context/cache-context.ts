import { AsyncLocalStorage } from 'node:async_hooks';
import { begun, type Begun, type Inside } from '../core/begun.js';
import type { Frame, Loading, Surroundings } from '../core/frame.js';
import { NOBODY, type Scope } from '../core/scope.js';
import { Asker } from './asker.js';

/** A frame, and the request that it was entered for, where one is known. */
class Entered {
  constructor(
    readonly frame: Frame,
    readonly owner: object | undefined,
  ) {}
}

type Store = Entered | Asker;

const here: Inside = (work) => work();

/**
 * Who is asking, carried along the asynchronous flow of one cache. Only ever entered with `run`: what is not inside a
 * run has no scope, and nothing leaks from one request into the next.
 *
 * The flow alone does not say whose it is: a request that waited may be let go on in the callback of another. So what is
 * entered for a request is marked with it, everything entered inside inherits the mark, and where the request itself is
 * at hand (between two interceptors) `keep` compares: surroundings of another request are left for the own ones.
 */
export class CacheContext implements Surroundings {
  private readonly storage = new AsyncLocalStorage<Store | undefined>();
  /** The latest surroundings of each request that is under way. Forgotten together with it. */
  private readonly latest = new WeakMap<object, Store>();
  private isClosed = false;

  /** The frame of the running call, if it is inside one. */
  current(): Frame | undefined {
    const store = this.storage.getStore();
    return store instanceof Asker ? store.frame() : store?.frame;
  }

  /** The scope of the running call; nobody's outside of any. */
  scope(): Scope {
    return this.current()?.scope ?? NOBODY;
  }

  /** The load of the running call, if it is inside one. Does not look up who is asking. */
  loading(): Loading | undefined {
    const store = this.storage.getStore();
    return store instanceof Asker ? undefined : store?.frame.loading;
  }

  /** Keeps the surroundings of now: runs work in them later, wherever it is called. */
  held(): Inside {
    const store = this.storage.getStore();
    return (work) => this.storage.run(store, work);
  }

  run<R>(frame: Frame, work: () => R): R {
    return this.storage.run(new Entered(frame, ownerOf(this.storage.getStore())), work);
  }

  /** Runs the handler of a request, whose calls find out who is asking when they need to know. */
  serve<Args extends unknown[], R>(asker: Asker, handler: (...args: Args) => R, ...args: Args): R {
    return this.storage.run(asker, handler, ...args);
  }

  /** Enters a frame for a request: from here on what happens in it is the request's own. */
  begin<R>(request: object, frame: Frame, work: () => R): R {
    const entered = new Entered(frame, request);
    this.latest.set(request, entered);
    return this.storage.run(entered, work);
  }

  /**
   * The surroundings in which a request goes on: the present ones while they are its own (also those that `run` has put
   * into them), else its latest. The first call for a request makes those around it its own, before anything can have
   * made it wait; surroundings that belong to another request it leaves, for nobody's.
   * @param incoming what an asker must have been made for to be the request's own
   */
  keep(request: object, incoming: unknown): Inside {
    if (this.isClosed) return here;
    const store = this.storage.getStore();
    const latest = this.latest.get(request);
    const own = latest === undefined ? claimed(store, request, incoming) : sameOwner(store, latest) ? store : latest;
    if (own !== latest) this.latest.set(request, own);
    return (work) => this.storage.run(own, work);
  }

  /**
   * Runs work later in the surroundings of now. A load that is under way then watches it, not one of now, which will
   * have ended.
   */
  bind(): Inside {
    const store = this.storage.getStore();
    const scope = this.scope();
    return (work) => {
      const frame = { scope, loading: this.loading() };
      return this.storage.run(new Entered(frame, ownerOf(store)), work);
    };
  }

  /**
   * Runs as if nobody had asked: timers, connections and handlers created inside belong to no request. A query that is
   * returned begins there, too, and comes as a promise.
   */
  outside<R extends PromiseLike<unknown>>(work: () => R): Begun<R>;
  outside<R>(work: () => R): R;
  outside(work: () => unknown): unknown {
    // Not by `exit`, which before Node 24 switches hooks of the whole process off and on.
    const outside: Inside = (step) =>
      this.storage.getStore() === undefined ? step() : this.storage.run(undefined, step);
    return outside(() => begun(work(), outside));
  }

  /**
   * Ends it: from here on nobody has a frame. Before Node 24 every store that was ever entered makes each promise of the
   * process dearer, so caches that come and go (as in tests) must not leave theirs behind.
   */
  close(): void {
    this.isClosed = true;
    this.storage.disable();
  }
}

/** An asker stands for its request. */
function ownerOf(store: Store | undefined): object | undefined {
  return store instanceof Asker ? store : store?.owner;
}

function sameOwner(store: Store | undefined, own: Store): store is Store {
  return store !== undefined && ownerOf(store) === ownerOf(own);
}

function claimed(store: Store | undefined, request: object, incoming: unknown): Store {
  if (store instanceof Asker) return store.request === incoming ? store : nobodys(request);
  const isFree = store !== undefined && store.owner === undefined;
  return isFree ? new Entered(store.frame, request) : nobodys(request);
}

function nobodys(request: object): Store {
  return new Entered({ scope: NOBODY, loading: undefined }, request);
}
