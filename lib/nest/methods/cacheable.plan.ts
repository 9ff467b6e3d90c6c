import { defer, from, isObservable, type Observable, type ObservableInput } from 'rxjs';
import { isPending } from '../../core/async/awaitable.js';
import { ScopeMissingError } from '../../core/errors.js';
import type { Frame } from '../../core/frame.js';
import { runInContext } from '../../core/run-in-context.js';
import type { BypassReason } from '../../core/observer.js';
import type { Policy } from '../../core/policy.js';
import type { Scope } from '../../core/keys/scope.js';
import type { Space } from '../../core/keys/space.js';
import { answered } from '../../core/async/thenable.js';
import type { Call, ResultRules } from '../../engine/call.js';
import { NOT_AT_HAND } from '../../engine/lookup.js';
import type { Loader } from '../../engine/loader.js';
import { noteBypass } from '../cache/bypass.js';
import type { CacheableOptions } from './decorator.options.js';
import { UnlessChanged } from './unless-changed.js';
import { answersByHand, declaredReturnType } from './metadata.js';
import type { Member, Method } from './method-site.js';
import { MethodKey } from './method-key.js';
import { methodPolicy, rulesOf } from './method-policy.js';
import type { MethodPlan, PlanPlace, PlanSetting } from './method-plan.js';
import { isObservableClass } from '../../core/async/observables.js';
import { sequenceBounds, SharedSequences, GIVE_UP_WARNINGS, type Lead } from './sequences/shared-sequences.js';
import type { CacheParts } from '../cache/scoped-cache.parts.js';
import { runSwitchedOff } from './switched-off.js';

type Condition = (...args: unknown[]) => boolean;

/** A call that goes without the cache, and the scope that its method runs in all the same. */
interface Uncached {
  readonly space: undefined;
  readonly scope: Scope;
}

interface EntryPlace {
  readonly space: Space;
  readonly frame: Frame | undefined;
}

/** What one `@Cacheable` does in one cache. */
export class CacheablePlan implements MethodPlan {
  readonly place: PlanPlace;
  private readonly parts: CacheParts;
  private readonly keys: MethodKey;
  private readonly policy: Policy;
  private readonly method: Method;
  private readonly condition: Condition | undefined;
  private readonly rules: ((args: readonly unknown[]) => ResultRules) | undefined;
  private readonly isSequence: boolean;
  /** The method may run after its caller has been answered. */
  private readonly mayRefresh: boolean;
  /** The handler does more to its answer than to return it: a hit would lack that, and so would a caller that joins a load. */
  private readonly isManual: boolean;
  private readonly sequences: SharedSequences;
  private isWarned = false;

  constructor(
    setting: PlanSetting,
    private readonly member: Member,
    options: CacheableOptions,
  ) {
    this.parts = setting.parts;
    this.keys = new MethodKey(setting, member, options);
    const { width, hasExplicitScope } = this.keys;
    this.place = { decorator: '@Cacheable', width, hasExplicitScope, entersKey: true };
    this.policy = methodPolicy(this.parts, this.keys.namespace, member, options);
    this.method = member.method;
    this.condition = options.condition as Condition | undefined;
    this.rules = rulesOf(`@Cacheable ${member.title}`, options, this.policy);
    this.isSequence = isObservableClass(declaredReturnType(member));
    this.mayRefresh = this.policy.staleWhileRevalidateMs > 0 || this.policy.earlyRefresh > 0;
    this.isManual = answersByHand(member) !== undefined;
    this.sequences = new SharedSequences(sequenceBounds(this.parts, this.policy), (why) =>
      this.warn(GIVE_UP_WARNINGS[why]),
    );
    if (options.verbose === true) this.parts.foundation.hub.beVerbose(this.keys.namespace);
  }

  /** A promise of the result; for a method declared to return an Observable, an Observable of its sequence. */
  run(self: unknown, args: unknown[]): unknown {
    if (this.isSequence) return this.sequence(self, args);
    try {
      if (!this.parts.settings.isEnabled) return this.switchedOff(self, args);
      const place = this.entryPlace(args);
      if (place.space === undefined) return this.runUncached(place.scope, () => this.method.apply(self, args));
      const { engine } = this.parts;
      const text = this.keys.text(place.space, self, args);
      const value =
        engine.glance === undefined ? NOT_AT_HAND : engine.glance(place.space, text, this.policy, place.frame);
      if (value !== NOT_AT_HAND) return Promise.resolve(value);
      const call = this.call(place, text, self, args);
      const answer = engine.getOrSet(call);
      if (this.mayRefresh || isPending(answer)) this.keepArgs(args, call, text);
      return isPending(answer) ? answer : Promise.resolve(answer);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  private switchedOff(self: unknown, args: unknown[]): unknown {
    const answer = runSwitchedOff(this.parts, this.keys, args, () => this.method.apply(self, args));
    return isPending(answer) || isObservable(answer) ? answer : Promise.resolve(answer);
  }

  /** Where the entry of a call is, before anything is made for it. */
  private entryPlace(args: unknown[]): EntryPlace | Uncached {
    const frame = this.parts.foundation.context.current();
    if (this.isManual) return this.without('not-shareable', frame, args);
    if (this.condition !== undefined && !answered(this.condition(...args), `${this.keys.title}.condition`))
      return this.without('condition', frame, args);
    try {
      return { space: this.keys.space(frame, args), frame };
    } catch (error) {
      if (!(error instanceof ScopeMissingError) || this.parts.settings.scope.onMissing === 'throw') throw error;
      return this.without('scope-missing', frame, args);
    }
  }

  /** @param loader in place of the method */
  private call(
    { space, frame }: EntryPlace,
    text: string,
    self: unknown,
    args: unknown[],
    loader?: Loader<unknown>,
  ): Call {
    return {
      key: this.keys.keyOf(space, text, args),
      policy: this.policy,
      title: this.member.title,
      loader: loader ?? this.method,
      frame,
      result: this.rules?.(args),
      self,
      args: loader === undefined ? args : undefined,
      onBegun: this.onBegun,
    };
  }

  private without(reason: BypassReason, frame: Frame | undefined, args: unknown[]): Uncached {
    const { scope, space } = this.keys.withoutKey(frame, args);
    noteBypass(this.parts, reason, this.keys.namespace, this.keys.width, space);
    return { space: undefined, scope };
  }

  /** Whatever runs without the cache runs in the scope of its key all the same: what a method sees is one thing. */
  private runUncached(scope: Scope, work: () => unknown): unknown {
    const { context } = this.parts.foundation;
    return runInContext(context, { scope, loading: context.loading() }, work);
  }

  /** Whether a method answers by a promise or an Observable must be known before it runs: after a hit it could not be told. */
  private readonly onBegun = (made: object): void => {
    if (isObservable(made))
      this.warn(
        'returns an Observable that its metadata does not show, so it is not cached and comes as a promise; annotate the return type as Observable<…>, imported without `type`',
      );
  };

  /**
   * The complete sequence is one entry: it is stored when the source completes and played back from then on. The
   * subscriber that leads the load hears it as it comes, the others when it is complete; an error is passed on and nothing
   * is stored. When the last of them has left, the source is left.
   */
  private sequence(self: unknown, given: readonly unknown[]): Observable<unknown> {
    return defer(() => {
      // Each subscription looks at the arguments as they are when it begins, and holds copies of its own.
      const args = [...given];
      const source = (): Observable<unknown> => from(this.method.apply(self, args) as ObservableInput<unknown>);
      if (!this.parts.settings.isEnabled)
        return runSwitchedOff(this.parts, this.keys, args, source) as Observable<unknown>;
      let lead: Lead | undefined;
      const place = this.entryPlace(args);
      if (place.space === undefined) return this.runUncached(place.scope, source) as Observable<unknown>;
      const text = this.keys.text(place.space, self, args);
      const call = this.call(place, text, self, args, (context) => lead?.(context));
      const { scope } = call.key.space;
      return this.sequences.answer({
        id: call.key.id,
        source,
        begin: (load) => {
          lead = load;
          const answer = this.parts.engine.getOrSet(call);
          if (this.mayRefresh || isPending(answer)) this.keepArgs(args, call, text);
          return answer;
        },
        alone: () => {
          noteBypass(this.parts, 'not-shareable', this.keys.namespace, this.keys.width, call.key.space);
          return this.runUncached(scope, source) as Observable<unknown>;
        },
        held: () => this.parts.foundation.context.held(),
      });
    });
  }

  /**
   * The key was made of the arguments as they are now, and the method may run later: behind a server, after a wait, in
   * the background. Until then its caller may have changed them (`filter.page++`), and a result for the new ones would
   * be stored under the old key. So what runs later gets copies, in the array that it holds. Where there is none, as of
   * an instance that its `toKey` stands for, the result is stored if the arguments still make the same key then. A key
   * of the user's own knows what it looks at.
   */
  private keepArgs(args: unknown[], call: Call, text: string): void {
    const { copier, coreSettings } = this.parts.foundation;
    const { hasOwnKey, declared } = this.keys;
    // What a key is made of has bounds of its own, whatever a value may have.
    const limit = hasOwnKey ? coreSettings.limits.maxValueBytes : undefined;
    const uncopied: number[] = [];
    for (let position = 0; position < args.length; position++) {
      const arg = args[position];
      if (typeof arg !== 'object' || arg === null || this.keys.ignores(position)) continue;
      try {
        args[position] = copier.copy(arg, 'clone', limit, declared[position]);
      } catch {
        if (!hasOwnKey) uncopied.push(position);
      }
    }
    if (uncopied.length === 0) return;
    const isSame = (now: readonly unknown[]): boolean => this.keys.text(call.key.space, call.self, now) === text;
    Object.assign(call, { result: new UnlessChanged(args, uncopied, isSame, call.result) });
  }

  private warn(problem: string): void {
    if (this.isWarned) return;
    this.isWarned = true;
    this.parts.settings.log.warn(`@Cacheable ${this.member.title} ${problem}`);
  }
}
