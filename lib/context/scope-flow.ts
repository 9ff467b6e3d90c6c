import { AsyncLocalStorage } from 'node:async_hooks';
import type { Store } from './surroundings.js';

/**
 * What carries surroundings along the asynchronous flow: one for all caches of an application, so that whatever one of
 * them says of a call holds for the others.
 */
export class ScopeFlow {
  readonly storage = new AsyncLocalStorage<Store | undefined>();
  /** The latest surroundings of each request that is under way. Forgotten together with it. */
  readonly latest = new WeakMap<object, Store>();
  /** Those whose interceptors are kept in it already, by their configuration. */
  readonly applications = new WeakSet();
  isClosed = false;

  close(): void {
    this.isClosed = true;
    this.storage.disable();
  }
}
