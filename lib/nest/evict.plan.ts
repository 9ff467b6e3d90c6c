import { concat, defer, ignoreElements, isObservable, type Observable, type ObservableInput } from 'rxjs';
import { CacheConfigError, CacheError } from '../core/errors.js';
import type { Frame } from '../core/frame.js';
import { checkNamespace } from '../core/key.js';
import { NOBODY, type Scope, type ScopeIds, type Width } from '../core/scope.js';
import { answered } from '../core/thenable.js';
import type { CacheEvictOptions } from './decorators/decorator.options.js';
import { cacheableOf, classConfig, declaredReturnType, memberOf } from './decorators/metadata.js';
import type { Member, Method } from './decorators/method-site.js';
import { MethodKey, widthOfMember } from './method-key.js';
import type { MethodPlan, PlanSetting } from './method-plan.js';
import { isObservableClass } from '../core/observables.js';
import { Removals, type Removal } from './removals.js';
import type { CacheKey } from './scoped-cache.types.js';

type Builder<T> = (...args: unknown[]) => T;

/** What one `@CacheEvict` does in one cache. */
export class EvictPlan implements MethodPlan {
  private readonly method: Method;
  private readonly condition: Builder<boolean> | undefined;
  /** How the keys of the evicted method are made, with the `method` option. */
  private readonly evicted: MethodKey | undefined;
  private readonly width: Width;
  private readonly removing: Removals;
  private readonly isSequence: boolean;

  /** @throws CacheConfigError */
  constructor(
    private readonly setting: PlanSetting,
    private readonly member: Member,
    private readonly options: CacheEvictOptions,
  ) {
    this.method = member.method;
    this.condition = options.condition as Builder<boolean> | undefined;
    this.evicted = options.method === undefined ? undefined : this.keysOf(options.method);
    const namespace = this.evicted?.namespace ?? options.namespace ?? classConfig(member)?.namespace;
    this.width =
      this.evicted === undefined ? widthOfMember(setting.parts, member, options.scope) : this.widthOf(this.evicted);
    this.removing = new Removals(setting, this.width, namespace, member.ownName);
    this.isSequence = isObservableClass(declaredReturnType(member));
    this.checkNamespaceSaid(namespace);
    if (options.verbose === true) setting.parts.foundation.hub.beVerbose(namespace ?? member.ownName);
  }

  run(self: unknown, args: unknown[]): unknown {
    const method = (): unknown => this.method.apply(self, args);
    const source = (): Observable<unknown> => method() as Observable<unknown>;
    // What is wrong is found out when somebody subscribes, and told the way Observables tell it.
    if (this.isSequence) return defer(() => (this.isMeant(args) ? this.around(source, this.removals(args)) : source()));
    let removals: readonly Removal[];
    try {
      if (!this.isMeant(args)) return method();
      // Before the method: what goes is said by the arguments as they came, and a missing scope fails before any harm.
      removals = this.removals(args);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (this.options.before === true) return this.remove(removals).then(method);
    const result = method();
    // An Observable although the method does not say so: passed through as it comes, its end waits for the removal.
    return isObservable(result) ? this.around(() => result, removals) : this.after(result, removals);
  }

  private async after(result: unknown, removals: readonly Removal[]): Promise<unknown> {
    const value = await result;
    await this.remove(removals);
    return value;
  }

  /** The sequence itself; its beginning or its successful end waits for the removal. */
  private around(source: () => ObservableInput<unknown>, removals: readonly Removal[]): Observable<unknown> {
    const removal = defer(() => this.remove(removals)).pipe(ignoreElements());
    return this.options.before === true ? concat(removal, defer(source)) : concat(defer(source), removal);
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

  private isMeant(args: unknown[]): boolean {
    return this.condition === undefined || Boolean(this.said(this.condition, 'condition', args));
  }

  private removals(args: unknown[]): readonly Removal[] {
    const { options, removing, evicted } = this;
    const frame = this.setting.parts.foundation.context.current();
    const scope = this.scope(frame, args);
    const key = this.said<CacheKey>(options.key, 'key', args);
    return [
      ...removing.byName(scope, [
        ...(key === undefined ? [] : [key]),
        ...(this.said<CacheKey[]>(options.keys, 'keys', args) ?? []),
      ]),
      ...(evicted === undefined || options.allEntries === true ? [] : [this.entryOf(evicted, scope, frame, args)]),
      ...removing.byPattern(scope, this.said(options.pattern, 'pattern', args)),
      ...removing.byTags(scope, this.said(options.tags, 'tags', args)),
      ...(options.allEntries === true ? [removing.all(scope)] : []),
    ];
  }

  /** The entry that a call of the evicted method with these arguments would have. */
  private entryOf(keys: MethodKey, scope: Scope, frame: Frame | undefined, args: unknown[]): Removal {
    const methodArgs = this.said<readonly unknown[]>(this.options.args, 'args', args) ?? args.slice(0, keys.maxArgs);
    // Whoever says `context` here means it; otherwise the evicted method's own `context` knows for whom its entry is.
    const space = this.options.context === undefined ? keys.space(frame, methodArgs) : keys.spaceIn(scope);
    return this.removing.byKeys([keys.bareKey(space, methodArgs)]);
  }

  private scope(frame: Frame | undefined, args: unknown[]): Scope {
    const ids = this.said<ScopeIds>(this.options.context, 'context', args);
    return this.options.context === undefined ? (frame?.scope ?? NOBODY) : this.setting.parts.foundation.scopes.of(ids);
  }

  private keysOf(method: string): MethodKey {
    const found = cacheableOf(this.member.type, method);
    if (found === undefined) throw this.mistake('method', `"${method}" is not a @Cacheable method of this class`);
    const keys = new MethodKey(this.setting, memberOf(found.site, this.member.type), found.options);
    if (this.options.allEntries === true && keys.saysForWhom && this.options.context === undefined)
      throw this.mistake('context', `is needed: "${method}" says for whom by its own arguments`);
    return keys;
  }

  /** Of one entry, exactly its own width; of all, also a wider one, which covers it. */
  private widthOf({ width }: MethodKey): Width {
    const { scope, allEntries, method } = this.options;
    if (scope === undefined || scope === width || allEntries === true) return scope ?? width;
    throw this.mistake('scope', `is "${scope}", but the entries of "${method}" are kept for "${width}"`);
  }

  private checkNamespaceSaid(namespace: string | undefined): void {
    const { key, keys, pattern, allEntries } = this.options;
    const needsNamespace = [key, keys, pattern].some((option) => option !== undefined) || allEntries === true;
    if (!needsNamespace) return;
    if (namespace === undefined) throw this.mistake('namespace', 'is needed: whose keys are meant?');
    checkNamespace(namespace);
  }

  /** What an option says for these arguments. @throws CacheConfigError when it is a promise that says it */
  private said<T>(option: unknown, name: string, args: unknown[]): T | undefined {
    return typeof option === 'function'
      ? answered((option as Builder<T>)(...args), `@CacheEvict ${this.member.title}.${name}`)
      : (option as T | undefined);
  }

  private mistake(option: string, problem: string): CacheConfigError {
    return new CacheConfigError(`@CacheEvict ${this.member.title}.${option}`, problem);
  }
}
