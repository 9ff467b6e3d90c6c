import { CacheConfigError, ScopeMissingError } from '../../core/errors.js';
import { disown } from '../../core/async/thenable.js';
import { ifAny } from '../../core/if-any.js';
import { checkTags } from '../../core/keys/label.js';
import { scopeOf, speaksOf, type ScopeIds } from '../../core/keys/scope.js';
import { CacheWrites } from './cache-writes.js';
import { own } from './cache-view.js';
import { quietly, removingOf } from './quietly.js';
import { AMBIENT } from './scope-binding.js';
import type { Loader } from '../../engine/loader.js';
import type {
  CacheKey,
  CallOptions,
  InvalidateTagsOptions,
  RemovalOptions,
  WarmEntry,
  WarmOptions,
} from './scoped-cache.types.js';
import type { Warmable } from './warm.js';

/**
 * A cache bound to a scope and, if you like, a namespace. Cheap to make and safe to keep: `tenant`, `user`, `global`,
 * `for` and `namespace` return new views and leave this one as it is.
 *
 * Reads answer without the cache when the backend fails. Calls that write or remove say so when they cannot be sure.
 */
export class ScopedCache extends CacheWrites {
  /**
   * Removes the entries of this namespace whose key matches, in this scope and below it (a tenant's users included);
   * how many were live when the call began. Loads under way that might match are not stored.
   *
   * The entries go one portion after the other. Behind a network, when that takes longer than `longTimeout`, the call
   * fails: some are gone and others are still served, until the invalidation has been repeated, which happens before
   * the next read of this process. For what many entries have in common, a tag is one step. With `failSilently: true` a
   * removal that the backend does not confirm answers 0; it stays queued.
   * @throws PatternInvalidError, PatternUnsupportedError, InvalidationUnknownError
   * @example await cache.namespace('reports').invalidate('report:2024-*');
   */
  async invalidate(pattern: string, options?: RemovalOptions): Promise<number> {
    if (this.isOff) return 0;
    const { isSilent, reason } = removingOf(options);
    const match = this.glob(pattern);
    const space = this.notedSpace();
    const { keyFactory } = this.parts.foundation;
    const view = keyFactory.view(this.scope(this.frame()), this.bound.width, this.namespaceName);
    return quietly(isSilent, 0, () => this.parts.engine.writes.removeMatching(space, { view, match }, reason));
  }

  /**
   * Makes everything of this scope that carries one of the tags invalid, in one step however much that is. Tags reach
   * across namespaces; a tenant's tag covers its users' entries, a user's tag only that user's. When the backend does
   * not confirm it, it stays queued; with `failSilently: true` the call does not fail then.
   * @throws TagInvalidError, InvalidationUnknownError
   * @example await cache.invalidateTags([`cat:${id}`, 'cats']);
   */
  async invalidateTags(tags: readonly string[], options?: InvalidateTagsOptions): Promise<void> {
    if (this.isOff) return;
    const { own: given, isSilent, reason } = removingOf(options, ['match']);
    if (given.match !== undefined && given.match !== 'any') throw new CacheConfigError('match', "must be 'any'");
    const space = this.space();
    const scope = this.scope(this.frame());
    const labels = checkTags(tags).map((tag) =>
      this.parts.foundation.keyFactory.tagLabel(scope, this.bound.width, tag),
    );
    await quietly(isSilent, undefined, () => this.parts.engine.writes.invalidate(space, labels, reason));
  }

  /**
   * Removes everything of this scope (of a namespace view: of this namespace in it); how many live entries that were.
   * Other tenants are not touched. Invalid at once, however many there are; removing and counting them comes after it.
   *
   * When that takes long: Redis answers after half of `longTimeout` with the number counted until then, so it may be
   * too low, and goes on behind; MongoDB fails after `longTimeout`, although nothing of it is served any more. With
   * `failSilently: true` a clear that the backend does not confirm answers 0; it stays queued.
   * @throws ScopeMissingError, InvalidationUnknownError
   * @example const removed = await cache.tenant('acme').clear();
   */
  async clear(options?: RemovalOptions): Promise<number> {
    if (this.isOff) return 0;
    const { isSilent, reason } = removingOf(options);
    const [space, view] = [this.notedSpace(), this.view()];
    return quietly(isSilent, 0, () => this.parts.engine.writes.clear(space, view, reason));
  }

  /**
   * Stores many entries ahead of need; how many are there afterwards: what could not be stored, with `failSilently` or
   * because the backend did not answer a loader's entry, is not among them. Entries with `load` are only loaded when
   * missing. The first error, of a loader, the list or `onProgress`, ends the call: nothing more is taken from the
   * list, and the entries under way settle before. A list that can tidy up (`return` of its iterator) is asked to, and
   * not waited for. While the application closes, nothing more is taken from the list either: the answer is what is
   * there by then. A cache that is switched off has nothing afterwards: the list is not walked through, and no loader
   * runs.
   * @throws CacheConfigError when `entries` is no list, and whatever a loader, the list or `onProgress` throws
   * @example
   * const stored = await cache.namespace('cats').warm([
   *   { key: '1', load: () => cats.find('1') },
   *   { key: 'count', value: 2, options: { ttl: '1m' } },
   * ]);
   */
  async warm(entries: Iterable<WarmEntry> | AsyncIterable<WarmEntry>, options?: WarmOptions): Promise<number> {
    if (this.isOff) return 0;
    const { context } = this.parts.foundation;
    const frame = this.frame();
    const target: Warmable = {
      set: async (key, value, callOptions) =>
        (await this.store<unknown>([[key, value]], callOptions as CallOptions<unknown>)) === 1,
      load: (key, loader, callOptions) => this.loadAhead(key, loader, callOptions),
      isClosing: () => this.parts.engine.isClosing,
    };
    // A rejected promise in place of a list: nothing looks at it until the file is there, which few applications need.
    disown(entries);
    const work = async (): Promise<number> => (await import('./warm.js')).warm(target, entries, options);
    // One call for one scope: the request behind it may be another one before the last entry is stored.
    return frame === undefined ? work() : context.run(frame, work);
  }

  /** Whether an entry is there afterwards. What was loaded may not have been stored, for one of many reasons: asked again. */
  private async loadAhead(key: CacheKey, loader: Loader<unknown>, options: CallOptions | undefined): Promise<boolean> {
    let isLoaded = false;
    const load: Loader<unknown> = (context) => {
      isLoaded = true;
      return loader(context);
    };
    const value = await this.getOrSet<never>(key, load as never, options);
    if (value === undefined || !isLoaded) return value !== undefined;
    // Without a scope, where reads do without the cache, there is no place for it to be in: it has been loaded.
    const hasPlace = ifAny(() => this.space()) !== undefined;
    return !hasPlace || this.has(key, { failSilently: own(options, 'failSilently') });
  }

  /**
   * The same scope, another namespace: a family of keys with one policy. Asks no backend.
   * @param name 1 to 128 characters, without `@`
   * @throws CacheConfigError for a name that is none
   * @example const reports = cache.namespace('reports');
   */
  namespace(name: string): ScopedCache {
    return new ScopedCache(this.parts, { ...this.bound, namespace: this.checked(name) });
  }

  /**
   * What a tenant's users share. Asks no backend.
   * @throws ScopeMissingError when the id is empty, ScopeInvalidError
   * @example await cache.tenant('acme').set('motto', 'always open');
   */
  tenant(id: string): ScopedCache {
    return new ScopedCache(this.parts, {
      ...this.bound,
      width: 'tenant',
      binding: this.fixed({ tenant: id }, 'tenant'),
    });
  }

  /**
   * What one user of the current tenant has alone. Asks no backend.
   * @throws ScopeMissingError when the id is empty, ScopeInvalidError
   * @example await cache.user('alice').delete('dashboard');
   */
  user(id: string): ScopedCache {
    const { binding } = this.bound;
    // A tenant said in full stays said; otherwise the tenant of each running call counts.
    if (binding.kind === 'fixed')
      return new ScopedCache(this.parts, {
        ...this.bound,
        width: 'user',
        binding: this.fixed({ tenant: binding.scope.tenant, user: id }, 'user'),
      });
    if (!this.isOff && scopeOf({ user: id }).user === undefined)
      throw new ScopeMissingError('user', this.bound.namespace);
    return new ScopedCache(this.parts, { ...this.bound, width: 'user', binding: { kind: 'user', user: id } });
  }

  /**
   * What all tenants share. Say it on purpose: whatever is stored here, every tenant can read. Asks no backend.
   * @example const usd = await cache.global().getOrSet('usd', () => fetchRate('usd'));
   */
  global(): ScopedCache {
    return new ScopedCache(this.parts, { ...this.bound, width: 'global', binding: AMBIENT });
  }

  /**
   * A scope said in full: a user's where `user` is named, else a tenant's. Asks no backend.
   * @throws ScopeMissingError without a tenant, and when `user` is named but empty or undefined; ScopeInvalidError
   * @example await cache.for({ tenant: 'acme', user: 'alice' }).clear();
   */
  for(ids: ScopeIds): ScopedCache {
    // Whatever was given for them: it is one of the things that a cache that is off does not look at.
    if (this.isOff && (typeof ids !== 'object' || ids === null)) return this.for({});
    // A user that was meant and is not there (`user: request.user?.id`) must not become the whole tenant.
    const width = speaksOf(ids, 'user') ? 'user' : 'tenant';
    return new ScopedCache(this.parts, { ...this.bound, width, binding: this.fixed(ids, width) });
  }
}
