import { concat, defer, ignoreElements, isObservable, mergeMap, type Observable, type ObservableInput } from 'rxjs';
import { andThen, isPending, type Awaitable } from '../../core/async/awaitable.js';
import { eachInTurn } from '../../core/async/portions.js';
import { CacheConfigError } from '../../core/errors.js';
import type { Frame } from '../../core/frame.js';
import { checkNamespace } from '../../core/keys/key.js';
import { NO_SCOPE, type Scope, type ScopeIds } from '../../core/keys/scope.js';
import { answered } from '../../core/async/thenable.js';
import { isHidden } from '../../engine/silence.js';
import type { CacheEvictOptions } from './decorator.options.js';
import { classConfig, declaredReturnType } from './metadata.js';
import type { Member, Method } from './method-site.js';
import { evictedBy, type EvictedMethod } from './evicted-method.js';
import { widthOfMember } from './method-key.js';
import type { MethodPlan, PlanPlace, PlanSetting } from './method-plan.js';
import { isObservableClass } from '../../core/async/observables.js';
import { Removals, type Removal } from './removals.js';
import { possibleParts } from './explicit-key.js';
import { reasonOf } from '../cache/reason.js';
import type { CacheKey } from '../cache/scoped-cache.types.js';

type Builder<T> = (...args: unknown[]) => T;

/** What one `@CacheEvict` does in one cache. */
export class EvictPlan implements MethodPlan {
  readonly place: PlanPlace;
  private readonly method: Method;
  private readonly condition: Builder<boolean> | undefined;
  /** What goes with the `method` option: of a base and an override that are both cached, the base first. */
  private readonly evicted: readonly EvictedMethod[];
  private readonly namespace: string | undefined;
  private readonly removing: Removals;
  private readonly isSequence: boolean;
  private readonly reason: string | undefined;
  private readonly setting: PlanSetting;

  /** @throws CacheConfigError */
  constructor(
    ofDecorator: PlanSetting,
    private readonly member: Member,
    private readonly options: CacheEvictOptions,
  ) {
    this.method = member.method;
    this.reason = reasonOf(options.reason);
    this.condition = options.condition as Builder<boolean> | undefined;
    this.evicted = evictedBy(ofDecorator, member, options);
    const shown = this.evicted.at(-1);
    const setting = (this.setting = shown?.setting ?? ofDecorator);
    this.namespace = shown?.keys.namespace ?? options.namespace ?? classConfig(member).namespace;
    const width = shown?.width ?? widthOfMember(setting.parts, member, '@CacheEvict', options.scope);
    const hasExplicitScope = shown !== undefined && this.evicted.every(({ keys }) => keys.hasExplicitScope);
    this.place = {
      decorator: '@CacheEvict',
      width,
      hasExplicitScope: options.context !== undefined || hasExplicitScope,
      entersKey: false,
    };
    this.removing = new Removals(setting, width, this.namespace, member.ownName);
    this.isSequence = isObservableClass(declaredReturnType(member));
    this.checkNamespaceGiven(this.namespace);
    if (options.verbose === true) setting.parts.foundation.hub.beVerbose(this.namespace ?? member.ownName);
  }

  run(self: unknown, args: unknown[]): unknown {
    const method = (): unknown => this.method.apply(self, args);
    if (this.isOff()) return this.isSequence ? method() : inPromise(method());
    const source = (): Observable<unknown> => method() as Observable<unknown>;
    // What is wrong is found out when a subscriber comes, and told the way Observables tell it.
    if (this.isSequence)
      return defer(() => (this.isMeant(args) ? this.around(source, this.removals(self, args)) : source()));
    let removals: Awaitable<readonly Removal[]>;
    try {
      if (!this.isMeant(args)) return method();
      // Before the method: what goes is said by the arguments as they came, and a missing scope fails before any harm.
      removals = this.removals(self, args);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    // Of very many keys each portion takes a turn, and the method begins after that.
    if (isPending(removals)) return this.later(removals, method);
    if (this.options.before === true) return this.remove(removals).then(method);
    const result = method();
    const ready = removals;
    // An Observable although the method does not say so: passed through as it comes, its end waits for the removal.
    return isObservable(result) ? this.around(() => result, ready) : this.after(result, ready);
  }

  /** Whether nothing is kept where it removes: a base and its override may be kept in two caches. */
  private isOff(): boolean {
    const isOn = ({ parts }: PlanSetting): boolean => parts.settings.isEnabled;
    return !isOn(this.setting) && !this.evicted.some(({ setting }) => isOn(setting));
  }

  private async later(removals: Promise<readonly Removal[]>, method: () => unknown): Promise<unknown> {
    const ready = await removals;
    if (this.options.before === true) return this.remove(ready).then(method);
    const result = method();
    return isObservable(result) ? this.around(() => result, ready) : this.after(result, ready);
  }

  private async after(result: unknown, removals: readonly Removal[]): Promise<unknown> {
    const value = await result;
    await this.remove(removals);
    return value;
  }

  /** The sequence itself; its beginning or its successful end waits for the removal. */
  private around(source: () => ObservableInput<unknown>, removals: Awaitable<readonly Removal[]>): Observable<unknown> {
    if (isPending(removals)) return defer(() => removals).pipe(mergeMap((ready) => this.around(source, ready)));
    const removal = defer(() => this.remove(removals)).pipe(ignoreElements());
    return this.options.before === true ? concat(removal, defer(source)) : concat(defer(source), removal);
  }

  /** All of them, even if one fails; the first failure is what the caller hears. */
  private async remove(removals: readonly Removal[]): Promise<void> {
    const results = await Promise.allSettled(removals.map((remove) => remove(this.reason)));
    // The engine has reported it, and what could not be confirmed waits in the backend's queue; silence was asked for.
    const loud = results.find(
      (result) => result.status === 'rejected' && !isHidden(this.options.failSilently, result.reason),
    );
    if (loud !== undefined) throw (loud as PromiseRejectedResult).reason;
  }

  private isMeant(args: unknown[]): boolean {
    return this.condition === undefined || Boolean(this.said(this.condition, 'condition', args));
  }

  private removals(self: unknown, args: unknown[]): Awaitable<readonly Removal[]> {
    const frame = this.setting.parts.foundation.context.current();
    const scope = this.scope(frame, args);
    const named = andThen(this.named(self, args), (parts) => this.removing.byName(scope, parts));
    // What is wrong with the others is told first.
    if (isPending(named)) named.catch(() => undefined);
    const others = this.others(scope, frame, self, args);
    return andThen(named, (byName) => [...byName, ...others]);
  }

  private others(scope: Scope, frame: Frame | undefined, self: unknown, args: unknown[]): readonly Removal[] {
    const { options, removing } = this;
    return [
      ...this.ofMethod(scope, frame, self, args),
      ...removing.byPattern(scope, this.said(options.pattern, 'pattern', args)),
      ...removing.byTags(scope, this.said(options.tags, 'tags', args)),
      ...(options.allEntries === true && this.evicted.length === 0 ? [removing.all(scope)] : []),
    ];
  }

  /** The parts of the keys that are said. */
  private named(self: unknown, args: unknown[]): Awaitable<readonly (readonly unknown[])[]> {
    const { key, keys } = this.options;
    const one = this.said<CacheKey>(key, 'key', args);
    const all = [...(one === undefined ? [] : [one]), ...(this.said<CacheKey[]>(keys, 'keys', args) ?? [])];
    const lead = this.setting.namespaces.leadOf(this.namespace, this.member.type, self);
    const partsOf = (it: CacheKey): unknown[][] => possibleParts(it, args).map((parts) => [...lead, ...parts]);
    return andThen(eachInTurn(all, partsOf), (parts) => parts.flat());
  }

  private ofMethod(scope: Scope, frame: Frame | undefined, self: unknown, args: unknown[]): Removal[] {
    const { options, evicted } = this;
    if (evicted.length === 0) return [];
    const given = this.said<readonly unknown[]>(options.args, 'args', args);
    const removals = evicted.map((method) =>
      options.allEntries === true
        ? method.removing.all(scope)
        : // A `context` that is given here is meant; otherwise the evicted method's own `context` knows the scope of its entry.
          method.entriesOf(given ?? args, given === undefined, self, (keys, methodArgs) =>
            options.context === undefined ? keys.space(frame, methodArgs) : keys.spaceIn(scope),
          ),
    );
    return [inOrder(removals)];
  }

  private scope(frame: Frame | undefined, args: unknown[]): Scope {
    const ids = this.said<ScopeIds>(this.options.context, 'context', args);
    return this.options.context === undefined
      ? (frame?.scope ?? NO_SCOPE)
      : this.setting.parts.foundation.scopes.of(ids);
  }

  private checkNamespaceGiven(namespace: string | undefined): void {
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

/** One after the other, and each although one before it has failed: what is behind is made of what is in front. */
function inOrder(removals: readonly Removal[]): Removal {
  return async (reason) => {
    const failures: unknown[] = [];
    for (const remove of removals) {
      try {
        await remove(reason);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  };
}

/** A promise, as with the cache switched on; an Observable stays one, also where nothing says so. */
function inPromise(result: unknown): unknown {
  return isObservable(result) ? result : Promise.resolve(result);
}
