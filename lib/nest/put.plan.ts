import type { Policy } from '../core/policy.js';
import type { Call, ResultRules } from '../engine/call.js';
import { methodPolicy, rulesFor } from './cacheable.plan.js';
import type { CacheableOptions } from './decorators/decorator.options.js';
import type { Method, MethodSite } from './decorators/metadata.js';
import { MethodKey } from './method-key.js';
import type { CacheParts } from './scoped-cache.parts.js';

/** What one `@CachePut` does in one cache. A missing scope fails the call before the method runs. */
export class PutPlan {
  private readonly keys: MethodKey;
  private readonly policy: Policy;
  private readonly method: Method;
  private readonly condition: ((...args: unknown[]) => boolean) | undefined;
  private readonly rules: ((args: unknown[]) => ResultRules) | undefined;

  constructor(
    private readonly parts: CacheParts,
    site: MethodSite,
    options: CacheableOptions,
  ) {
    this.keys = new MethodKey(parts, site, options);
    this.policy = methodPolicy(parts, this.keys.namespace, site, options);
    this.method = site.method;
    this.condition = options.condition as PutPlan['condition'];
    this.rules = rulesFor(options, this.policy);
    if (options.verbose === true) parts.foundation.hub.beVerbose(this.keys.namespace);
  }

  async run(self: unknown, args: unknown[]): Promise<unknown> {
    const method = (): unknown => this.method.apply(self, args);
    if (this.condition !== undefined && !this.condition.apply(self, args)) return method();
    const frame = this.parts.foundation.context.current();
    const key = this.keys.key(this.keys.space(frame, args), args);
    const call: Call = { key, policy: this.policy, loader: method, frame, result: this.rules?.(args) };
    return this.parts.engine.put(call, method);
  }
}
