import { AsyncLocalStorage } from 'node:async_hooks';
import { begun, type Begun, type Inside } from '../core/begun.js';
import type { Frame, Loading, Surroundings } from '../core/frame.js';
import { NOBODY, type Scope } from '../core/scope.js';
import { Asker } from './asker.js';

/**
 * Who is asking, carried along the asynchronous flow of one cache. Only ever entered with `run`: what is not inside a
 * run has no scope, and nothing leaks from one request into the next.
 */
export class CacheContext implements Surroundings {
  private readonly storage = new AsyncLocalStorage<Frame | Asker>();

  /** The frame of the running call, if it is inside one. */
  current(): Frame | undefined {
    const store = this.storage.getStore();
    return store instanceof Asker ? store.frame() : store;
  }

  /** The scope of the running call; nobody's outside of any. */
  scope(): Scope {
    return this.current()?.scope ?? NOBODY;
  }

  /** The load of the running call, if it is inside one. Does not look up who is asking. */
  loading(): Loading | undefined {
    const store = this.storage.getStore();
    return store instanceof Asker ? undefined : store?.loading;
  }

  /** Keeps the surroundings of now: runs work in them later, wherever it is called. */
  held(): Inside {
    const store = this.storage.getStore();
    return (work) => (store === undefined ? this.storage.exit(work) : this.storage.run(store, work));
  }

  run<R>(frame: Frame, work: () => R): R {
    return this.storage.run(frame, work);
  }

  /** Runs the handler of a request, whose calls find out who is asking when they need to know. */
  serve<Args extends unknown[], R>(asker: Asker, handler: (...args: Args) => R, ...args: Args): R {
    return this.storage.run(asker, handler, ...args);
  }

  /**
   * Runs as if nobody had asked: timers, connections and handlers created inside belong to no request. A query that is
   * returned begins there, too, and comes as a promise.
   */
  outside<R extends PromiseLike<unknown>>(work: () => R): Begun<R>;
  outside<R>(work: () => R): R;
  outside(work: () => unknown): unknown {
    const outside: Inside = (step) => this.storage.exit(step);
    return outside(() => begun(work(), outside));
  }

  /**
   * Ends it: from here on nobody has a frame. Before Node 24 every store that was ever entered makes each promise of the
   * process dearer, so caches that come and go (as in tests) must not leave theirs behind.
   */
  close(): void {
    this.storage.disable();
  }
}
