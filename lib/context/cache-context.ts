import { AsyncLocalStorage } from 'node:async_hooks';
import type { Frame, Surroundings } from '../core/frame.js';
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

  run<R>(frame: Frame, work: () => R): R {
    return this.storage.run(frame, work);
  }

  /** Runs the handler of a request, whose calls find out who is asking when they need to know. */
  serve<Args extends unknown[], R>(asker: Asker, handler: (...args: Args) => R, ...args: Args): R {
    return this.storage.run(asker, handler, ...args);
  }

  /** Runs as if nobody had asked: timers, connections and handlers created inside belong to no request. */
  outside<R>(work: () => R): R {
    return this.storage.exit(work);
  }

  /**
   * Ends it: from here on nobody has a frame. Before Node 24 every store that was ever entered makes each promise of the
   * process dearer, so caches that come and go (as in tests) must not leave theirs behind.
   */
  close(): void {
    this.storage.disable();
  }
}
