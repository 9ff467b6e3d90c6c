import type { Awaitable } from '../core/async/awaitable.js';
import type { Selection } from '../core/backend.js';
import { PORTION } from '../core/async/portions.js';
import { machineClock } from '../core/clock.js';
import { CacheError, InvalidationUnknownError } from '../core/errors.js';
import { isInView } from '../core/keys/in-view.js';
import { visibleKey, type Key } from '../core/keys/key.js';
import { withBuckets, type Label } from '../core/keys/label.js';
import { placeOf, type RemovalCause, type RemovalFacts } from '../core/observer.js';
import { graceMs, type Policy } from '../core/policy.js';
import type { Space, View } from '../core/keys/space.js';
import type { PendingFills } from './bounds/pending-fills.js';
import type { EngineParts } from './engine-parts.js';
import type { ResultWriter } from './store-result.js';
import type { Report } from './report.js';
import { isHidden } from './silence.js';

/**
 * The verbs that change what is stored on a caller's word. None of them fails quietly (invariant 8), unless it was asked
 * to: an event tells then, and what comes back is what a cache that is switched off would say.
 */
export class Writes {
  constructor(
    private readonly parts: EngineParts,
    private readonly results: ResultWriter,
    private readonly report: Report,
    private readonly fills: PendingFills,
  ) {}

  /** Stores a value as of now. @throws UnserializableError, ValueTooLargeError, or BackendError: the old entry may still be there */
  async set(key: Key, value: unknown, policy: Policy): Promise<void> {
    await this.setMany([[key, value, policy]]);
  }

  /** How many are stored; of a portion whose failure is hidden, and of those behind it, none. */
  async setMany(entries: readonly (readonly [Key, unknown, Policy])[]): Promise<number> {
    let stored = 0;
    for (let at = 0; at < entries.length; at += PORTION) {
      if (at > 0) await machineClock.breathe();
      const behind = entries.length <= PORTION ? [] : entries.slice(at + PORTION);
      const some = await this.setSome(entries.length <= PORTION ? entries : entries.slice(at, at + PORTION), behind);
      if (some === undefined) break;
      stored += some;
    }
    return stored;
  }

  /** How many are stored; undefined when it failed and its caller wants no error. @param behind what is not stored then either */
  private async setSome(
    entries: readonly (readonly [Key, unknown, Policy])[],
    behind: readonly (readonly [Key, unknown, Policy])[],
  ): Promise<number | undefined> {
    const [first, , policy] = entries[0] ?? [];
    if (first === undefined) return 0;
    const drafts = entries.map(([key, value, its]) => [key, this.results.draftOf(key, value, its)] as const);
    try {
      await this.attempt(first.space, 'set', async () => {
        await (drafts.length === 1 && drafts[0] !== undefined
          ? this.parts.backend.write(...drafts[0])
          : this.parts.backend.writeMany(drafts));
      });
    } catch (error) {
      // Only its failure tells anything: that a tenant has reached its quota, say.
      this.parts.ambient.loading()?.note(first.space);
      if (!isHidden(policy?.failSilently, error)) throw error;
      await this.unstored(
        [...entries, ...behind].map(([key]) => key),
        error,
      );
      return undefined;
    }
    for (const [key] of drafts) {
      key.space.stats.count('sets');
      if (this.report.emit.isHeard) this.report.event({ type: 'write', ...this.report.place(key) });
    }
    return drafts.length;
  }

  /** What stands there is older than what its caller believes to be stored: it goes, now or as soon as the backend is back. */
  private async unstored(keys: readonly Key[], error: CacheError): Promise<void> {
    const reason = error.code === 'CACHE_QUOTA' ? 'quota' : 'backend';
    for (const key of keys) this.report.refused(key, reason);
    try {
      await this.evict(keys);
    } catch (failure) {
      if (!isHidden(true, failure)) throw failure;
    }
  }

  /** Gives a live entry another ttl, from now on. False when there is none. */
  async expire(key: Key, ttlMs: number, policy: Policy): Promise<boolean> {
    const freshForMs = this.results.bounded(ttlMs);
    const filling = this.fills.of(key);
    if (filling !== undefined) await filling;
    const work = async (): Promise<boolean> => this.parts.backend.expire(key, freshForMs, freshForMs + graceMs(policy));
    return this.attempt(key.space, 'expire', work, { failSilently: policy.failSilently, instead: false });
  }

  async increment(key: Key, by: number, policy: Policy): Promise<number> {
    // It tells what is stored, so inside a loader it counts as a read.
    this.parts.ambient.loading()?.note(key.space);
    // Not part of the attempt: what a `ttl` of the caller's throws is no failure of the cache.
    const { labels, freshForMs, isolation } = this.results.draftOf(key, 0, policy);
    const filling = this.fills.of(key);
    if (filling !== undefined) await filling;
    const work = async (): Promise<number> => {
      // A count has no second life: past its ttl it starts anew.
      return this.parts.backend.increment(key, by, { labels, freshForMs, keptForMs: freshForMs, isolation });
    };
    return this.attempt(key.space, 'increment', work, { failSilently: policy.failSilently, instead: by });
  }

  /** Removes entries by name; how many were live. */
  async evict(keys: readonly Key[], reason?: string): Promise<number> {
    const space = keys[0]?.space;
    if (space === undefined) return 0;
    const startedAtMs = this.report.nowMs();
    const ids = this.fills.count === 0 ? undefined : new Set(keys.map(({ id }) => id));
    const counted = await this.removal(
      space,
      'evict',
      () => this.parts.backend.evict(keys),
      (key) => ids?.has(key.id) === true,
    );
    // Something else may have been stored in the place of a value on its way.
    const removed = Math.min(keys.length, counted);
    space.stats.count('evictions', removed);
    if (this.report.emit.isHeard)
      this.report.event({
        type: 'evict',
        requested: keys.length,
        removed,
        ...this.facts('keys', startedAtMs, reason),
        ...this.place(space, keys),
      });
    return removed;
  }

  /** Makes everything that carries one of the labels invalid, in one step. */
  async invalidate(space: Space, labels: readonly Label[], reason?: string): Promise<void> {
    if (labels.length === 0) return;
    const startedAtMs = this.report.nowMs();
    await this.invalidation(space, 'invalidateTags', async () =>
      this.parts.backend.invalidate(space.partition, withBuckets(labels)),
    );
    if (!this.report.emit.isHeard) return;
    const facts = this.facts('tags', startedAtMs, reason);
    this.report.event({ type: 'invalidate', labels: labels.length, removed: undefined, ...facts, ...placeOf(space) });
  }

  async clear(space: Space, view: View, reason?: string): Promise<number> {
    const startedAtMs = this.report.nowMs();
    const removed = await this.removal(
      space,
      'clear',
      () => this.parts.backend.clear(view),
      (key) => isOf(view, key),
    );
    this.cleared(space, removed, this.facts('clear', startedAtMs, reason));
    return removed;
  }

  async removeMatching(space: Space, selection: Selection, reason?: string): Promise<number> {
    const { view, match } = selection;
    const startedAtMs = this.report.nowMs();
    const removed = await this.removal(
      space,
      'invalidate',
      () => this.parts.backend.removeMatching(selection),
      (key) => isOf(view, key) && match.test(visibleKey(key.id)),
    );
    this.cleared(space, removed, this.facts('pattern', startedAtMs, reason));
    return removed;
  }

  /** @param view of a namespace, of which everything goes; undefined: everything of all */
  async clearEverything(space: Space, view?: View, reason?: string): Promise<number> {
    const startedAtMs = this.report.nowMs();
    const removed = await this.removal(
      space,
      'clearEverything',
      () => this.parts.backend.clearEverything(view),
      (key) => view === undefined || isInView(view, key.id),
    );
    const facts = this.facts('clear', startedAtMs, reason);
    this.report.event({ type: 'everything-cleared', removed, namespace: view && space.namespace, ...facts });
    return removed;
  }

  private cleared(space: Space, removed: number, facts: RemovalFacts): void {
    space.stats.count('evictions', removed);
    if (this.report.emit.isHeard) this.report.event({ type: 'clear', removed, ...facts, ...placeOf(space) });
  }

  private facts(cause: RemovalCause, startedAtMs: number, reason: string | undefined): RemovalFacts {
    return { cause, durationMs: this.report.nowMs() - startedAtMs, reason };
  }

  /** `instead` is what a caller who asked for silence gets for a failure of the cache. */
  private async attempt<T>(
    space: Space,
    operation: string,
    work: () => Promise<T>,
    hiding?: { readonly failSilently: boolean | undefined; readonly instead: T },
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const failure = this.report.failure(space, operation, this.parts.backend.kind, error);
      if (hiding !== undefined && isHidden(hiding.failSilently, failure)) return hiding.instead;
      throw failure;
    }
  }

  /**
   * Sent at once. A fill under way whose callers have been told what it brings is refused by it, or was stored before: either
   * way it is waited for, since it counts.
   */
  private async removal(
    space: Space,
    operation: string,
    work: () => Awaitable<number>,
    isMeant: (key: Key) => boolean,
  ): Promise<number> {
    const refused = this.fills.count === 0 ? 0 : this.fills.refusedOf(isMeant);
    const removed = await this.invalidation(space, operation, async () => work());
    return removed + (await refused);
  }

  /** Whether it happened is unknown: the caller is told, since old values may still be served. */
  private async invalidation<T>(space: Space, operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.report.failure(space, operation, this.parts.backend.kind, error);
      if (error instanceof CacheError && error.code !== 'CACHE_BACKEND') throw error;
      throw new InvalidationUnknownError(operation, this.parts.backend.kind, { cause: error });
    }
  }

  private place(space: Space, keys: readonly Key[]): ReturnType<typeof placeOf> {
    return keys.length === 1 && keys[0] !== undefined ? this.report.place(keys[0]) : placeOf(space);
  }
}

function isOf(view: View, { id, space }: Key): boolean {
  return space.partition === view.partition && isInView(view, id);
}
