import type { Awaitable } from '../core/async/awaitable.js';
import type { Backend, Lease, LeaseRequest, Selection } from '../core/backend.js';
import type { Draft, Handling } from '../core/entry.js';
import type { Key } from '../core/keys/key.js';
import type { Label } from '../core/keys/label.js';
import type { Partition } from '../core/keys/partition.js';
import type { View } from '../core/keys/space.js';
import { hideFromLogs } from '../core/hide-from-logs.js';
import type { Operation } from './chaos.options.js';

/** Stands between the cache and each call of the backend. */
export type Disturb = <T>(operation: Operation, work: () => Awaitable<T>) => Promise<T>;

/** A backend whose every call passes by `disturb`. */
export class ChaosBackend implements Backend {
  static {
    hideFromLogs(this.prototype, 'ChaosBackend');
  }

  readonly kind: string;

  constructor(
    private readonly inner: Backend,
    private readonly disturb: Disturb,
  ) {
    this.kind = inner.kind;
  }

  read(key: Key, how?: Handling): ReturnType<Backend['read']> {
    return this.disturb('read', () => this.inner.read(key, how));
  }

  readMany(keys: readonly Key[], how?: Handling): ReturnType<Backend['readMany']> {
    return this.disturb('readMany', () => this.inner.readMany(keys, how));
  }

  lease(key: Key, request: LeaseRequest): ReturnType<Backend['lease']> {
    return this.disturb('lease', () => this.inner.lease(key, request));
  }

  renew(lease: Lease, leaseMs: number): ReturnType<Backend['renew']> {
    return this.disturb('renew', () => this.inner.renew(lease, leaseMs));
  }

  release(lease: Lease): ReturnType<Backend['release']> {
    return this.disturb('release', () => this.inner.release(lease));
  }

  fill(lease: Lease, draft: Draft): ReturnType<Backend['fill']> {
    return this.disturb('fill', () => this.inner.fill(lease, draft));
  }

  write(key: Key, draft: Draft): ReturnType<Backend['write']> {
    return this.disturb('write', () => this.inner.write(key, draft));
  }

  writeMany(entries: readonly (readonly [Key, Draft])[]): ReturnType<Backend['writeMany']> {
    return this.disturb('writeMany', () => this.inner.writeMany(entries));
  }

  expire(key: Key, freshForMs: number, keptForMs: number): ReturnType<Backend['expire']> {
    return this.disturb('expire', () => this.inner.expire(key, freshForMs, keptForMs));
  }

  increment(key: Key, by: number, draft: Omit<Draft, 'value'>): ReturnType<Backend['increment']> {
    return this.disturb('increment', () => this.inner.increment(key, by, draft));
  }

  evict(keys: readonly Key[]): ReturnType<Backend['evict']> {
    return this.disturb('evict', () => this.inner.evict(keys));
  }

  invalidate(partition: Partition, labels: readonly Label[]): ReturnType<Backend['invalidate']> {
    return this.disturb('invalidate', () => this.inner.invalidate(partition, labels));
  }

  clear(view: View): ReturnType<Backend['clear']> {
    return this.disturb('clear', () => this.inner.clear(view));
  }

  clearEverything(view?: View): ReturnType<Backend['clearEverything']> {
    return this.disturb('clearEverything', () => this.inner.clearEverything(view));
  }

  removeMatching(selection: Selection): ReturnType<Backend['removeMatching']> {
    return this.disturb('removeMatching', () => this.inner.removeMatching(selection));
  }

  scan(selection: Selection, cursor: string | undefined): ReturnType<Backend['scan']> {
    return this.disturb('scan', () => this.inner.scan(selection, cursor));
  }

  usage(view: View | undefined): ReturnType<Backend['usage']> {
    return this.disturb('usage', () => this.inner.usage(view));
  }

  info(): ReturnType<Backend['info']> {
    return this.disturb('info', () => this.inner.info());
  }

  ping(): ReturnType<Backend['ping']> {
    return this.disturb('ping', () => this.inner.ping());
  }

  close(): ReturnType<Backend['close']> {
    return this.inner.close();
  }
}
