import { defer, from, Observable, type ObservableInput } from 'rxjs';
import { runInContext } from '../../core/run-in-context.js';
import type { Policy } from '../../core/policy.js';
import { answered } from '../../core/async/thenable.js';
import type { Call, ResultRules } from '../../engine/call.js';
import { noteBypass } from '../cache/bypass.js';
import type { CacheableOptions } from './decorator.options.js';
import { declaredReturnType } from './metadata.js';
import type { Member, Method } from './method-site.js';
import { MethodKey } from './method-key.js';
import { methodPolicy, rulesOf } from './method-policy.js';
import type { MethodPlan, PlanPlace, PlanSetting } from './method-plan.js';
import { isObservableClass } from '../../core/async/observables.js';
import type { CacheParts } from '../cache/scoped-cache.parts.js';
import { Sequence, Unfinished, type GiveUpReason } from './sequences/sequence.js';
import { SequenceSubscription, sequenceBounds, GIVE_UP_WARNINGS } from './sequences/shared-sequences.js';
import { runSwitchedOff } from './switched-off.js';

/**
 * What one `@CachePut` does in one cache. A missing scope fails the call before the method runs. The method runs in the
 * scope of its key, whatever the scope of its caller.
 */
export class PutPlan implements MethodPlan {
  readonly place: PlanPlace;
  private readonly parts: CacheParts;
  private readonly keys: MethodKey;
  private readonly policy: Policy;
  private readonly method: Method;
  private readonly condition: ((...args: unknown[]) => boolean) | undefined;
  private readonly rules: ((args: readonly unknown[]) => ResultRules) | undefined;
  private readonly isSequence: boolean;
  private isWarned = false;

  constructor(
    setting: PlanSetting,
    private readonly member: Member,
    options: CacheableOptions,
  ) {
    this.parts = setting.parts;
    this.keys = new MethodKey(setting, member, options, '@CachePut');
    const { width, hasExplicitScope } = this.keys;
    this.place = { decorator: '@CachePut', width, hasExplicitScope, entersKey: true };
    this.policy = methodPolicy(this.parts, this.keys.namespace, member, options);
    this.method = member.method;
    this.condition = options.condition as PutPlan['condition'];
    this.rules = rulesOf(`@CachePut ${member.title}`, options, this.policy);
    this.isSequence = isObservableClass(declaredReturnType(member));
    if (options.verbose === true) this.parts.foundation.hub.beVerbose(this.keys.namespace);
  }

  run(self: unknown, args: unknown[]): unknown {
    const method = (): unknown => this.method.apply(self, args);
    if (!this.isSequence) return this.put(self, args, method);
    if (!this.parts.settings.isEnabled)
      return defer(() => runSwitchedOff(this.parts, this.keys, args, method) as ObservableInput<unknown>);
    return this.sequence(self, args, method);
  }

  /**
   * Heard as it comes, stored when it is complete. Of one that is not collected to its end nothing is stored, and what
   * it should have replaced goes: the method has done something.
   */
  private sequence(self: unknown, args: unknown[], method: () => unknown): Observable<unknown> {
    return new Observable((subscriber) => {
      const subscription = new SequenceSubscription(subscriber, this.parts.foundation.context.held());
      let isWhole = true;
      const whole = async (): Promise<unknown> => {
        // Left while the lease was fetched: nothing has been done, and there is nothing to tell.
        if (subscriber.closed) {
          isWhole = false;
          return undefined;
        }
        const told = {
          streams: () => undefined,
          givenUp: (why: GiveUpReason) => {
            isWhole = false;
            this.warn(GIVE_UP_WARNINGS[why]);
          },
        };
        const sequence = new Sequence(sequenceBounds(this.parts, this.policy), subscription, told);
        subscriber.add(() => sequence.stop());
        sequence.start(() => from(method() as ObservableInput<unknown>));
        return sequence.whole.catch((error: unknown) => {
          if (error instanceof Unfinished) return undefined;
          throw error;
        });
      };
      this.put(self, args, whole).then(
        (values) => (isWhole ? subscription.play(values as unknown[]) : undefined),
        (error: unknown) => subscription.error(error),
      );
    });
  }

  private async put(self: unknown, args: unknown[], method: () => unknown): Promise<unknown> {
    if (!this.parts.settings.isEnabled) return await runSwitchedOff(this.parts, this.keys, args, method);
    const { context } = this.parts.foundation;
    const frame = context.current();
    if (this.condition !== undefined && !answered(this.condition(...args), `${this.keys.title}.condition`)) {
      const { scope, space } = this.keys.withoutKey(frame, args);
      noteBypass(this.parts, 'condition', this.keys.namespace, this.keys.width, space);
      return await runInContext(context, { scope, loading: context.loading() }, method);
    }
    const key = this.keys.key(this.keys.space(frame, args), self, args);
    void key.labels;
    const { policy, rules } = this;
    const call: Call = { key, policy, title: this.member.title, loader: method, frame, result: rules?.(args) };
    // Awaited, so that an error of the method has its caller in its stack.
    return await this.parts.engine.put(call, method);
  }

  private warn(problem: string): void {
    if (this.isWarned) return;
    this.isWarned = true;
    this.parts.settings.log.warn(`@CachePut ${this.member.title} ${problem}`);
  }
}
