import type { BackendInfo, Page } from '../../core/backend.js';
import type { Awaitable } from '../../core/async/awaitable.js';
import { inPortions } from '../../core/async/portions.js';
import { PatternUnsupportedError } from '../../core/errors.js';
import type { Frame } from '../../core/frame.js';
import { compileGlob } from '../../core/keys/glob.js';
import { runInContext } from '../../core/run-in-context.js';
import { knownOptions } from '../../core/own-options.js';
import type { Key } from '../../core/keys/key.js';
import type { Policy } from '../../core/policy.js';
import type { Scope } from '../../core/keys/scope.js';
import { statsOf, type CacheStats } from '../../core/stats.js';
import { SpaceStats } from '../../core/keys/space-stats.js';
import { LoadContext, type Loader } from '../../engine/loader.js';
import { NOT_AT_HAND } from '../../engine/lookup.js';
import { CacheView, own } from './cache-view.js';
import { ifAny } from '../../core/if-any.js';
import { listed } from './listed.js';
import { loadSwitchedOff } from './switched-off.js';
import { quietly, silenceOf } from './quietly.js';
import type { CacheKey, CallOptions, FailureOptions, GetOptions, UntypedContext } from './scoped-cache.types.js';

const NOTHING = Object.freeze({ entries: 0, bytes: 0 });
/** Where a walk ends that the backend does not go on with. */
const NO_PAGE: Page = Object.freeze({ keys: Object.freeze([]), cursor: undefined });

/** The verbs that look. None of them fails because the backend does, unless the policy says `failSilently: false`. */
export abstract class CacheReads extends CacheView {
  /**
   * The stored value, if it is fresh; otherwise `default`, or undefined. `null` is a value.
   *
   * A failing backend counts as nothing there.
   * @throws ScopeMissingError when the scope is missing (unless `scope.onMissing` is `bypass`), KeyInvalidError
   * @example const cat = await cache.get<Cat>(['cat', id]);
   */
  get<T = unknown>(key: CacheKey, options?: FailureOptions & { readonly default?: undefined }): Promise<T | undefined>;
  get<T = unknown, D = T>(key: CacheKey, options: GetOptions<D>): Promise<T | D>;
  async get(key: CacheKey, options?: GetOptions<unknown>): Promise<unknown> {
    if (this.isOff) return own(options, 'default');
    const frame = this.frame();
    const space = this.readSpace(frame);
    const found = space && (await this.find(this.key(space, key), options, frame));
    // Looked at where it is read: a hit costs the same with a default as without.
    if (found !== undefined || options === undefined) return found;
    return knownOptions(options, '', ['default', 'failSilently']).default;
  }

  /**
   * Whether a fresh value is there. Counts neither as hit nor as miss; false when the backend fails.
   * @throws ScopeMissingError (unless `scope.onMissing` is `bypass`), KeyInvalidError
   * @example if (!(await cache.has(['report', id]))) await queue.add(id);
   */
  async has(key: CacheKey, options?: FailureOptions): Promise<boolean> {
    if (this.isOff) return false;
    const policy = this.policyFor(options);
    const space = this.readSpace(this.frame());
    return space !== undefined && this.parts.engine.has(this.key(space, key), policy);
  }

  /**
   * The fresh values among many keys, in one round trip per shard. Keys without a value are not in the map. The map's
   * keys are the objects and texts that were passed in.
   *
   * However many there are: a list of more than 1,000 is read a portion of 1,000 after another, each with a deadline of
   * its own, and other calls get their turn in between. So its values are not of one moment. A portion that the backend
   * does not answer counts as nothing there.
   * @throws CacheConfigError for what is no list, ScopeMissingError (unless `scope.onMissing` is `bypass`),
   * KeyInvalidError
   * @example
   * const found = await cache.namespace('cats').getMany<Cat, string>(['1', '2']);
   * const tom = found.get('1');
   */
  async getMany<T = unknown, K extends CacheKey = CacheKey>(
    keys: readonly K[],
    options?: FailureOptions,
  ): Promise<Map<K, T>> {
    if (this.isOff) return new Map<K, T>();
    const policy = this.policyFor(options);
    const frame = this.frame();
    const space = this.readSpace(frame);
    const found = new Map<K, T>();
    if (space === undefined) return found;
    await inPortions(listed(keys, 'keys'), async (some) => {
      const values = await this.parts.engine.getMany(some.map((key) => ({ key: this.key(space, key), policy, frame })));
      for (const [index, value] of values.entries()) if (value !== undefined) found.set(some[index] as K, value as T);
      return [];
    });
    return found;
  }

  /**
   * The stored value, or the loader's, which is then stored. Callers of one key in one moment share one loader, in this
   * process and, with a shared backend, in all of them. The loader runs in the scope of the key, not of the caller; a
   * query builder that it returns begins there, too, once.
   *
   * `undefined` is returned but never stored. When the backend fails the loader answers. The loader's error reaches the
   * caller unchanged and is never stored.
   * @throws ScopeMissingError, KeyInvalidError, ReentrantLoadError, LoaderTimeoutError
   * @example
   * const report = await cache.getOrSet(['report', id], ({ signal }) => reports.make(projectId, id, signal), {
   *   ttl: '10m',
   *   tags: [`project:${projectId}`],
   * });
   */
  getOrSet<T, _Inferred>(
    key: CacheKey,
    loader: (context: UntypedContext) => T | PromiseLike<T>,
    options?: CallOptions<T>,
  ): Promise<T>;
  /** The same with the type of the value said first: `getOrSet<Report>(…)`. */
  getOrSet<T>(key: CacheKey, loader: Loader<T>, options?: CallOptions<T>): Promise<T>;
  getOrSet(key: CacheKey, loader: (context: never) => unknown, options?: CallOptions): Promise<unknown> {
    try {
      return Promise.resolve(this.resolve(key, loader as Loader<unknown>, options));
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Milliseconds until the ttl ends; `null`: no expiry; undefined: nothing fresh is there, or the backend fails.
   * @throws ScopeMissingError (unless `scope.onMissing` is `bypass`), KeyInvalidError
   * @example const leftMs = await cache.ttl(['cat', id]);
   */
  async ttl(key: CacheKey, options?: FailureOptions): Promise<number | null | undefined> {
    if (this.isOff) return undefined;
    const policy = this.policyFor(options);
    const space = this.readSpace(this.frame());
    return space && this.parts.engine.ttlMs(this.key(space, key), policy);
  }

  /**
   * The live keys of this namespace and exactly this width that match: texts as they were given, the parts of a list
   * joined by `:`. Those of a tenant's users are not among the tenant's. A key may come twice when entries change
   * during the walk. None when the scope is missing and `scope.onMissing` is `bypass`.
   * @param pattern `*` any run, `?` one character, `[a-z]` one of, `[^a-z]` none of, `\` the next one literally
   * @throws PatternInvalidError, PatternUnsupportedError (with `keys.hashSecret`), BackendError
   * @example for await (const key of cache.namespace('reports').keys('report:*')) console.log(key);
   */
  keys(pattern = '*', options?: FailureOptions): AsyncIterableIterator<string> {
    return this.scan(pattern, this.isOff ? undefined : this.frame(), options);
  }

  /** The call settled the scope of the keys; a later step of the iteration does not change it. */
  private async *scan(
    pattern: string,
    frame: Frame | undefined,
    options: FailureOptions | undefined,
  ): AsyncIterableIterator<string> {
    if (this.isOff) return;
    const isSilent = silenceOf(options);
    const match = this.glob(pattern);
    const space = this.readSpace(frame);
    if (space === undefined) return;
    const view = this.ownView(space, frame);
    let cursor: string | undefined;
    do {
      const page: Page = await quietly(isSilent, NO_PAGE, () => this.parts.engine.scan(space, { view, match }, cursor));
      yield* page.keys;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /**
   * What this view did and holds: of a tenant, everything of the tenant and its users; of a namespace, only that.
   * Counters are this process's own, since it started (or since `since`: see `complete`); sizes are exact, and
   * undefined while the backend does not answer.
   * @throws ScopeMissingError, PatternUnsupportedError where the backend keeps no index
   * @example const { hitRate, size } = await cache.tenant('acme').stats();
   */
  async stats(): Promise<CacheStats> {
    const { engine, foundation } = this.parts;
    const view = this.isOff ? ifAny(() => this.view()) : this.view();
    if (view === undefined)
      return statsOf(new SpaceStats(), { usage: NOTHING, info: await engine.info() }, foundation.statsRegistry.span());
    if (!this.isOff) void this.notedSpace();
    const held = await engine.holdings(view);
    return statsOf(await foundation.statsRegistry.sum(view), held, foundation.statsRegistry.span(view));
  }

  /**
   * Facts about the backend: kind, entries and bytes in use (of all tenants), bounds. Never credentials.
   * @throws BackendError
   * @example const { kind, entries } = await cache.info();
   */
  info(): Promise<BackendInfo> {
    this.noteAllTenants();
    return this.parts.engine.info();
  }

  /**
   * Milliseconds until the backend answered.
   * @throws BackendError when it does not, whatever its fallback does
   * @example const latencyMs = await cache.ping();
   */
  ping(): Promise<number> {
    return this.parts.engine.ping();
  }

  protected glob(pattern: string): ReturnType<typeof compileGlob> {
    if (!this.parts.foundation.keyFactory.readable)
      throw new PatternUnsupportedError('keys are stored as digests (keys.hashSecret)');
    return compileGlob(pattern);
  }

  /** On a hit, only what is asked for is looked at. */
  private policyOfRead(options: FailureOptions): Policy {
    const failSilently = own(options, 'failSilently');
    return failSilently === undefined ? this.policy() : this.policy({ failSilently });
  }

  private find(key: Key, options: FailureOptions | undefined, frame: Frame | undefined): Awaitable<unknown> {
    const { engine } = this.parts;
    const policy = options === undefined ? this.policy() : this.policyOfRead(options);
    // A hit in memory takes 0.85 of the time for it. With a loader, as in getOrSet, nothing was gained.
    const atHand = engine.glance === undefined ? NOT_AT_HAND : engine.glance(key.space, key.text, policy, frame);
    return atHand === NOT_AT_HAND ? engine.get({ key, policy, frame }) : atHand;
  }

  private resolve(key: CacheKey, loader: Loader<unknown>, options: CallOptions | undefined): Awaitable<unknown> {
    if (this.isOff) {
      const scope = (frame: Frame | undefined): Scope => this.scope(frame);
      return loadSwitchedOff(this.parts, { namespace: this.namespaceName, width: this.bound.width, scope }, loader);
    }
    // Before anything else: a mistake in the options is one in every call, whatever is stored.
    const policy = this.policy(options);
    const frame = this.frame();
    const space = this.readSpace(frame);
    if (space === undefined) return this.withoutKey(this.scope(frame), frame, loader);
    return this.parts.engine.getOrSet({
      key: this.key(space, key, own(options, 'tags')),
      policy,
      loader,
      frame,
    });
  }

  /** The call does not say its scope completely: the loader acts for what of its scope is known. */
  private withoutKey(scope: Scope, frame: Frame | undefined, loader: Loader<unknown>): Awaitable<unknown> {
    const context = new LoadContext({ scope, namespace: this.namespaceName });
    const around = { scope, loading: frame?.loading };
    return runInContext(this.parts.foundation.context, around, () => loader(context as never));
  }
}
