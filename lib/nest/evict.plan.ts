import { concat, defer, ignoreElements, isObservable } from 'rxjs';
import { CacheConfigError, CacheError, PatternUnsupportedError } from '../core/errors.js';
import type { Frame } from '../core/frame.js';
import { compileGlob } from '../core/glob.js';
import { checkNamespace, partsOf } from '../core/key.js';
import { checkTags } from '../core/label.js';
import { NOBODY, type Scope, type Width } from '../core/scope.js';
import type { CacheablePlan } from './cacheable.plan.js';
import type { CacheableOptions, CacheEvictOptions } from './decorators/decorator.options.js';
import { cacheableAt, classConfig, declaredWidth, type Method, type MethodSite } from './decorators/metadata.js';
import type { CacheKey } from './scoped-cache.types.js';
import type { CacheParts } from './scoped-cache.parts.js';

type Builder<T> = (...args: unknown[]) => T;
/** One removal, made ready before the method runs. */
type Removal = () => Promise<unknown>;

/** What one `@CacheEvict` does in one cache. */
export class EvictPlan {
  private readonly namespace: string | undefined;
  private readonly width: Width;
  private readonly evicted: CacheablePlan | undefined;
  private readonly title: string;
  private readonly method: Method;

  constructor(
    private readonly parts: CacheParts,
    site: MethodSite,
    private readonly options: CacheEvictOptions,
    planOf: (site: MethodSite, options: CacheableOptions) => CacheablePlan,
  ) {
    this.title = site.title;
    this.method = site.method;
    this.evicted = options.method === undefined ? undefined : this.planFor(site, options.method, planOf);
    this.namespace = this.evicted?.keys.namespace ?? options.namespace ?? classConfig(site)?.namespace;
    this.width =
      options.scope ??
      declaredWidth(site) ??
      this.evicted?.keys.width ??
      classConfig(site)?.scope ??
      parts.settings.scope.defaultWidth;
    this.checkNamespaceSaid();
  }

  run(self: unknown, args: unknown[]): unknown {
    const condition = this.options.condition as Builder<boolean> | undefined;
    if (condition !== undefined && !condition.apply(self, args)) return this.method.apply(self, args);
    let removals: readonly Removal[];
    try {
      // Before the method: what goes is said by the arguments as they came, and a missing scope fails before any harm.
      removals = this.removals(self, args, this.parts.foundation.context.current());
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (this.options.before === true) return this.remove(removals).then(() => this.method.apply(self, args));
    const result = this.method.apply(self, args);
    // The sequence passes through as it comes; its end waits for the removal.
    if (isObservable(result)) return concat(result, defer(() => this.remove(removals)).pipe(ignoreElements()));
    return this.after(result, removals);
  }

  private async after(result: unknown, removals: readonly Removal[]): Promise<unknown> {
    const value = await result;
    await this.remove(removals);
    return value;
  }

  /** All of them, even if one fails; the first failure is what the caller hears. */
  private async remove(removals: readonly Removal[]): Promise<void> {
    const results = await Promise.allSettled(removals.map((remove) => remove()));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return;
    // The engine has reported it; silence was asked for.
    if (this.options.failSilently === true && failed.reason instanceof CacheError) return;
    throw failed.reason;
  }

  private removals(self: unknown, args: unknown[], frame: Frame | undefined): readonly Removal[] {
    const scope = this.scope(frame, args);
    return [
      ...this.byName(scope, args),
      ...this.byMethod(self, scope, args),
      ...this.byPattern(scope, args),
      ...this.byTags(scope, args),
      ...this.all(scope),
    ];
  }

  private byName(scope: Scope, args: unknown[]): Removal[] {
    const { mint } = this.parts.foundation;
    const named = [...valuesOf(this.options.key, args), ...(said<readonly CacheKey[]>(this.options.keys, args) ?? [])];
    if (named.length === 0) return [];
    const space = mint.space(scope, this.width, this.namespace ?? '');
    const keys = named.map((key) => mint.key(space, partsOf(key), undefined, 'key part'));
    return [async () => this.parts.engine.writes.evict(keys)];
  }

  private byMethod(self: unknown, scope: Scope, args: unknown[]): Removal[] {
    if (this.evicted === undefined || this.options.allEntries === true) return [];
    const { keys } = this.evicted;
    const methodArgs = (this.options.args as Builder<readonly unknown[]> | undefined)?.apply(self, args) ?? args;
    const space = keys.spaceIn(scope, this.width);
    const key = keys.key(space, [...methodArgs]);
    return [async () => this.parts.engine.writes.evict([key])];
  }

  private byPattern(scope: Scope, args: unknown[]): Removal[] {
    const pattern = said<string>(this.options.pattern, args);
    if (pattern === undefined) return [];
    const { mint } = this.parts.foundation;
    if (!mint.readable) throw new PatternUnsupportedError('keys are stored as digests (keys.hashSecret)');
    const match = compileGlob(pattern);
    const space = mint.space(scope, this.width, this.namespace ?? '');
    const view = mint.view(scope, this.width, this.namespace);
    return [async () => this.parts.engine.writes.removeMatching(space, { view, match })];
  }

  private byTags(scope: Scope, args: unknown[]): Removal[] {
    const tags = said<readonly string[]>(this.options.tags, args);
    if (tags === undefined || tags.length === 0) return [];
    const { mint } = this.parts.foundation;
    const space = mint.space(scope, this.width, this.namespace ?? 'default');
    const labels = checkTags(tags).map((tag) => mint.tagLabel(scope, this.width, tag));
    return [async () => this.parts.engine.writes.invalidate(space, labels)];
  }

  private all(scope: Scope): Removal[] {
    if (this.options.allEntries !== true) return [];
    const { mint } = this.parts.foundation;
    const space = mint.space(scope, this.width, this.namespace ?? '');
    const view = mint.view(scope, this.width, this.namespace);
    return [async () => this.parts.engine.writes.clear(space, view)];
  }

  private scope(frame: Frame | undefined, args: unknown[]): Scope {
    const contextOf = this.options.context as Builder<{ tenant?: string; user?: string }> | undefined;
    return contextOf === undefined ? (frame?.scope ?? NOBODY) : this.parts.foundation.scopes.of(contextOf(...args));
  }

  private planFor(
    site: MethodSite,
    method: string,
    planOf: (site: MethodSite, options: CacheableOptions) => CacheablePlan,
  ): CacheablePlan {
    const found = cacheableAt(site.prototype, method);
    if (found === undefined)
      throw new CacheConfigError(
        `@CacheEvict ${site.title}.method`,
        `"${method}" is not a @Cacheable method of this class`,
      );
    return planOf(found.site, found.options);
  }

  private checkNamespaceSaid(): void {
    const { key, keys, pattern, allEntries } = this.options;
    const needsNamespace = [key, keys, pattern].some((option) => option !== undefined) || allEntries === true;
    if (!needsNamespace) return;
    if (this.namespace === undefined)
      throw new CacheConfigError(`@CacheEvict ${this.title}.namespace`, 'is needed: whose keys are meant?');
    checkNamespace(this.namespace);
  }
}

/** What an option says for these arguments. */
function said<T>(option: unknown, args: unknown[]): T | undefined {
  return typeof option === 'function' ? (option as Builder<T>)(...args) : (option as T | undefined);
}

function valuesOf(key: unknown, args: unknown[]): CacheKey[] {
  const value = said<CacheKey>(key, args);
  return value === undefined ? [] : [value];
}
