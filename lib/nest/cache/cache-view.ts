import { defer, type MonoTypeOperatorFunction } from 'rxjs';
import type { Begun } from '../../core/async/begun.js';
import { ScopeMissingError } from '../../core/errors.js';
import type { Frame, AmbientContext } from '../../core/frame.js';
import { runInContext } from '../../core/run-in-context.js';
import { checkNamespace, partsOf, type Key } from '../../core/keys/key.js';
import { knownOptions } from '../../core/own-options.js';
import { resolvePolicy, type Policy, type Warn } from '../../core/policy.js';
import { NO_SCOPE, type Scope, type ScopeIds } from '../../core/keys/scope.js';
import type { Space, View } from '../../core/keys/space.js';
import { noteBypass } from './bypass.js';
import { boundScope, type Binding, type Bound } from './scope-binding.js';
import type { CacheParts } from './scoped-cache.parts.js';
import { spaceOf } from './space-of.js';
import type { CacheKey, CallOptions, FailureOptions } from './scoped-cache.types.js';
import { ifAny } from '../../core/if-any.js';
import { observeInContext } from './observe-in-context.js';

const DEFAULT_NAMESPACE = 'default';

/** Options of a call that are no part of its policy. */
const BESIDE_POLICY = Object.freeze(['tags'] as const);

interface Held {
  readonly parts: CacheParts;
  readonly bound: Bound;
  /** Tells of an option of a call that looks like a mistake. */
  readonly warn: Warn;
}

/** A cache seen from one scope and namespace: turns what callers say into keys, policies and views. */
export abstract class CacheView {
  /**
   * What the view is made of, in a closure: services stand in objects that are logged as they are, and no depth of
   * inspection looks into a function. (Private fields would do as well, but not through a proxy around the service.)
   */
  private readonly held: () => Held;

  /** @internal */
  constructor(parts: CacheParts, bound: Bound) {
    const warn: Warn = (option, problem) =>
      parts.settings.warn(`${option} of a call in namespace "${bound.namespace ?? DEFAULT_NAMESPACE}"`, problem);
    const held: Held = { parts, bound, warn };
    this.held = () => held;
  }

  /** @internal */
  protected get parts(): CacheParts {
    return this.held().parts;
  }

  /** @internal */
  protected get bound(): Bound {
    return this.held().bound;
  }

  /**
   * Runs `work` with a scope: for jobs, queues, scripts, and whatever else no request stands behind. What `work` starts
   * keeps the scope, timers and promises included; what runs in callbacks of other code (a pool, an old event library)
   * has whatever scope *they* run in, so bind those with `bindScope` or call this inside of them.
   *
   * The scope is the whole of it: nothing of the surrounding one shines through, in this and in all other caches of the
   * application. What `work` returns belongs to it, too: a query builder (of mongoose, knex, drizzle …) begins inside,
   * at once, and comes as a promise; generators, iterables written by hand and Observables, also a few levels deep
   * inside of what is returned or promised, run inside whenever a caller walks through them or subscribes. What a
   * Subject emits runs where it is emitted.
   * @returns what `work` returns; for anything else that can be awaited, a promise
   * @throws ScopeInvalidError
   * @example const report = await cache.runInScope({ tenant: job.tenantId }, () => reports.find(job.reportId));
   */
  runInScope<R extends PromiseLike<unknown>>(ids: ScopeIds, work: () => R): Begun<R>;
  runInScope<R>(ids: ScopeIds, work: () => R): R;
  runInScope(ids: ScopeIds, work: () => unknown): unknown {
    const { context, scopes } = this.parts.foundation;
    // Inside a loader the load goes on being watched: a scope put on by hand does not hide what is read under it.
    return runInContext(context, { scope: scopes.of(ids), loading: context.loading() }, work);
  }

  /**
   * The same function, bound to the present scope: it runs in that one whatever the scope of its caller, and whenever.
   * For what waits in a queue, a pool or a list of listeners, and would otherwise run in the scope of the caller that
   * lets it go on. Bound where there is no scope, it has none either: its calls fail closed.
   *
   * Called inside of a loader, what it reads is noted as read by that load, which `AsyncResource.bind` would hide.
   * @returns a function with the same arguments, `this` and result, to which applies what `runInScope` says of results
   * @throws ScopeInvalidError when the ids of the running request are none
   * @example await queue.add(cache.bindScope(() => reports.find(id)));
   */
  bindScope<Self, Args extends unknown[], R extends PromiseLike<unknown>>(
    work: (this: Self, ...args: Args) => R,
  ): (this: Self, ...args: Args) => Begun<R>;
  bindScope<Self, Args extends unknown[], R>(work: (this: Self, ...args: Args) => R): (this: Self, ...args: Args) => R;
  bindScope(work: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
    const { context } = this.parts.foundation;
    const inContext = context.bind();
    // Each cache goes on seeing of a request what it saw, so nothing is said in full here.
    const ambient: AmbientContext = {
      current: () => context.current(),
      loading: () => context.loading(),
      held: () => context.held(),
      run: (_, step) => inContext(step),
      entrance:
        () =>
        (step, ...given) =>
          inContext(() => step(...given)),
    };
    return function (this: unknown, ...args) {
      return inContext(() => runInContext(ambient, context.current() as Frame, () => work.apply(this, args)));
    };
  }

  /**
   * An operator after which an Observable belongs to its subscriber: it is subscribed to, and each value, its error and
   * its end are handed on, with the scope that surrounds the subscription. For sources that others speak through: the
   * answers of a `ClientProxy` (which come in the scope of the request that opened the connection), a shared `Subject`,
   * a buffer. Put it behind them, before operators that use the cache.
   * @example
   * import { mergeMap, of } from 'rxjs';
   * const prices = of(17); // in life: client.send('price', id)
   * const quotes = prices.pipe(
   *   cache.keepScope(),
   *   mergeMap((price) => cache.getOrSet(['quote', price], () => 2 * price)),
   * );
   */
  keepScope<T>(): MonoTypeOperatorFunction<T> {
    const { context } = this.parts.foundation;
    return (source) => defer(() => observeInContext(source, context.bind()));
  }

  /** @internal */
  protected get warn(): Warn {
    return this.held().warn;
  }

  /** Switched off: nothing that a call is given is looked at. */
  protected get isOff(): boolean {
    return !this.parts.settings.isEnabled;
  }

  protected frame(): Frame | undefined {
    return this.parts.foundation.context.current();
  }

  protected scope(frame: Frame | undefined): Scope {
    return boundScope(this.parts, this.bound.binding, frame);
  }

  protected get namespaceName(): string {
    return this.bound.namespace ?? DEFAULT_NAMESPACE;
  }

  /** @throws ScopeMissingError */
  protected space(frame = this.frame()): Space {
    return spaceOf(this.parts.foundation, this.scope(frame), this.bound.width, this.namespaceName);
  }

  /**
   * The same for verbs whose answer tells what is stored, or how much of it: inside a loader they count as reads of it.
   * @throws ScopeMissingError
   */
  protected notedSpace(): Space {
    const space = this.space();
    this.parts.foundation.context.loading()?.note(space);
    return space;
  }

  /** Figures of all tenants together are noted for the scope NO_SCOPE: no entry is for as few callers. */
  protected noteAllTenants(): void {
    this.parts.foundation.context.loading()?.note({ scope: NO_SCOPE, width: 'tenant', namespace: this.namespaceName });
  }

  /** The same for reads: undefined when the scope is missing and reads are to go on without the cache. */
  protected readSpace(frame: Frame | undefined): Space | undefined {
    try {
      return this.space(frame);
    } catch (error) {
      if (!(error instanceof ScopeMissingError) || this.parts.settings.scope.onMissing === 'throw') throw error;
      noteBypass(this.parts, 'scope-missing', this.namespaceName, this.bound.width);
      return undefined;
    }
  }

  protected key(space: Space, key: CacheKey, tags?: readonly string[]): Key {
    return this.parts.foundation.keyFactory.key(space, partsOf(key), tags, 'key part');
  }

  protected policy(options?: CallOptions): Policy {
    const policy = this.parts.settings.policyOf(this.namespaceName);
    return options === undefined ? policy : resolvePolicy(policy, options, '', this.warn, BESIDE_POLICY);
  }

  /** The policy of a verb that takes nothing of it but `failSilently`. */
  protected policyFor(options: FailureOptions | undefined): Policy {
    return options === undefined ? this.policy() : this.policy(knownOptions(options, '', ['failSilently']));
  }

  /** What the verbs that cover a whole scope cover: everything in it, or one namespace. */
  protected view(): View {
    return this.parts.foundation.keyFactory.view(this.scope(this.frame()), this.bound.width, this.bound.namespace);
  }

  /** The entries that key verbs of this view could name: this namespace, exactly this width. */
  protected ownView(space: Space, frame: Frame | undefined): View {
    const view = this.parts.foundation.keyFactory.view(this.scope(frame), this.bound.width, this.namespaceName);
    return { ...view, path: space.path };
  }

  /** A binding to one tenant, said in full. @throws ScopeMissingError when the id is empty: never the ambient one instead */
  protected fixed(ids: ScopeIds, width: 'tenant' | 'user'): Binding {
    // From the table: one scope object per tenant or user, so that what is known of it is known to the next view too.
    const find = (): Scope => this.parts.foundation.scopes.of(ids).at(width, this.bound.namespace);
    return { kind: 'fixed', scope: this.isOff ? (ifAny(find) ?? NO_SCOPE) : find() };
  }

  protected checked(namespace: string): string {
    return this.isOff ? (ifAny(() => checkNamespace(namespace)) ?? this.namespaceName) : checkNamespace(namespace);
  }
}

/** An option of a call, if its author gave it: nothing that was polluted into `Object.prototype` is one. */
export function own<O extends object, Name extends keyof O>(options: O | undefined, name: Name): O[Name] | undefined {
  // JavaScript may say `null` for nothing, and a cache that is switched off does not mind.
  return options != null && Object.hasOwn(options, name) ? options[name] : undefined;
}
