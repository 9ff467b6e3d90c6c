import { AsyncLocalStorage } from 'node:async_hooks';
import type { Store } from './scope-store.js';

/**
 * Carries surroundings along the asynchronous flow: one for all caches of an application, so that a scope entered by one
 * of them holds for the others.
 */
export class ScopeFlow {
  readonly storage = new AsyncLocalStorage<Store | undefined>();
  /** The latest surroundings of each request in progress. Collected together with it. */
  readonly latest = new WeakMap<object, Store>();
  /** Applications whose interceptors already keep to it, by their configuration. */
  readonly applications = new WeakSet();
  isClosed = false;

  close(): void {
    this.isClosed = true;
    this.storage.disable();
  }
}
