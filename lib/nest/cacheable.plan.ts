import { isObservable, defer, from, lastValueFrom, mergeMap, Observable, toArray } from 'rxjs';
import { isPending } from '../core/awaitable.js';
import { ScopeMissingError } from '../core/errors.js';
import type { Frame } from '../core/frame.js';
import { resolvePolicy, type Policy } from '../core/policy.js';
import type { Space } from '../core/space.js';
import type { Call, ResultRules } from '../engine/call.js';
import { noteUnscoped } from './cache-view.js';
import { policyPart } from './decorators/check-options.js';
import type { CacheableOptions } from './decorators/decorator.options.js';
import { classConfig, declaredReturnType, type Method, type MethodSite } from './decorators/metadata.js';
import { MethodKey } from './method-key.js';
import type { CacheParts } from './scoped-cache.parts.js';

type Predicate = (...args: unknown[]) => boolean;

/** The policy of a decorated method: defaults, its namespace's, its class's, its own. */
export function methodPolicy(
  { settings }: CacheParts,
  namespace: string,
  site: MethodSite,
  options: CacheableOptions,
): Policy {
  const warn = (option: string, problem: string): void => settings.log.warn(`${option} ${problem}`);
  const base = resolvePolicy(
    settings.policyOf(namespace),
    policyPart(classConfig(site) ?? {}),
    `@CacheConfig of ${site.title}`,
  );
  return resolvePolicy(base, policyPart(options), site.title, warn);
}

/** Rules that need the result, bound to the arguments of one call. Undefined when the options have none. */
export function rulesFor(options: CacheableOptions, policy: Policy): ((args: unknown[]) => ResultRules) | undefined {
  const unless = options.unless as ((result: unknown, ...args: unknown[]) => boolean) | undefined;
  const tags = options.resultTags as ((result: unknown, ...args: unknown[]) => readonly string[]) | undefined;
  if (unless === undefined && tags === undefined && policy.ttlOf === undefined) return undefined;
  return (args) => ({
    args,
    unless: (result) => unless?.(result, ...args) === true,
    tags: (result) => tags?.(result, ...args) ?? [],
  });
}

/** What one `@Cacheable` does in one cache. */
export class CacheablePlan {
  readonly keys: MethodKey;
  private readonly policy: Policy;
  private readonly method: Method;
  private readonly condition: Predicate | undefined;
  private readonly rules: ((args: unknown[]) => ResultRules) | undefined;
  private readonly isSequence: boolean;

  constructor(
    private readonly parts: CacheParts,
    site: MethodSite,
    options: CacheableOptions,
  ) {
    this.keys = new MethodKey(parts, site, options);
    this.policy = methodPolicy(parts, this.keys.namespace, site, options);
    this.method = site.method;
    this.condition = options.condition as Predicate | undefined;
    this.rules = rulesFor(options, this.policy);
    this.isSequence = declaredReturnType(site) === Observable;
    if (options.verbose === true) parts.foundation.hub.beVerbose(this.keys.namespace);
  }

  /** A promise of the result; for a method declared to return an Observable, an Observable of its sequence. */
  run(self: unknown, args: unknown[]): unknown {
    if (this.isSequence) return this.sequence(self, args);
    try {
      const answer = this.answer(self, args, () => this.method.apply(self, args));
      return isPending(answer) ? answer : Promise.resolve(answer);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  private answer(self: unknown, args: unknown[], loader: () => unknown): unknown {
    const { engine, foundation } = this.parts;
    if (this.condition !== undefined && !this.condition.apply(self, args)) return loader();
    const frame = foundation.context.current();
    const space = this.space(frame, args);
    if (space === undefined) return loader();
    const call: Call = {
      key: this.keys.key(space, args),
      policy: this.policy,
      loader,
      frame,
      result: this.rules?.(args),
    };
    return engine.getOrSet(call);
  }

  private space(frame: Frame | undefined, args: unknown[]): Space | undefined {
    try {
      return this.keys.space(frame, args);
    } catch (error) {
      if (!(error instanceof ScopeMissingError) || this.parts.settings.scope.onMissing === 'throw') throw error;
      noteUnscoped(this.parts, this.keys.namespace, this.keys.width);
      return undefined;
    }
  }

  /**
   * The complete sequence is one entry: it is stored when the source completes and played back from then on. Those who
   * wait for it get it when it is complete; an error is passed on and nothing is stored.
   */
  private sequence(self: unknown, args: unknown[]): Observable<unknown> {
    const whole = (): unknown => {
      const source = this.method.apply(self, args);
      return lastValueFrom((isObservable(source) ? source : from(source as Promise<unknown>)).pipe(toArray()));
    };
    return defer(async () => this.answer(self, args, whole)).pipe(mergeMap((values) => from(values as unknown[])));
  }
}
