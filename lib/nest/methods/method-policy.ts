import { resolvePolicy, type Policy } from '../../core/policy.js';
import { answered } from '../../core/async/thenable.js';
import type { ResultRules } from '../../engine/call.js';
import { policyPart } from './check-options.js';
import type { CacheableOptions } from './decorator.options.js';
import { classConfig } from './metadata.js';
import type { Member } from './method-site.js';
import type { CacheParts } from '../cache/scoped-cache.parts.js';

/** The policy of a decorated method: defaults, its namespace's, its class's, its own. */
export function methodPolicy(
  { settings }: CacheParts,
  namespace: string,
  member: Member,
  options: CacheableOptions,
): Policy {
  const { warn } = settings;
  const base = resolvePolicy(
    settings.policyOf(namespace),
    policyPart(classConfig(member)),
    `@CacheConfig of ${member.type.name}`,
    warn,
  );
  return resolvePolicy(base, policyPart(options), member.title, warn);
}

type Unless = (result: unknown, ...args: unknown[]) => boolean;
type TagsOfResult = (result: unknown, ...args: unknown[]) => readonly string[];

/** Rules that need the result, bound to the arguments of one call. */
class MethodRules implements ResultRules {
  constructor(
    private readonly title: string,
    readonly args: readonly unknown[],
    private readonly unlessOf: Unless | undefined,
    private readonly tagsOf: TagsOfResult | undefined,
  ) {}

  /** Whatever JavaScript takes for true means it: what was not to be stored never is. */
  unless(result: unknown): boolean {
    return Boolean(answered(this.unlessOf?.(result, ...this.args), `${this.title}.unless`));
  }

  tags(result: unknown): readonly string[] {
    return answered(this.tagsOf?.(result, ...this.args), `${this.title}.resultTags`) ?? [];
  }
}

/** Makes the rules of each call. Undefined when nothing in the options looks at results. */
export function rulesOf(
  title: string,
  options: CacheableOptions,
  policy: Policy,
): ((args: readonly unknown[]) => ResultRules) | undefined {
  const unless = options.unless as Unless | undefined;
  const tags = options.resultTags as TagsOfResult | undefined;
  if (unless === undefined && tags === undefined && policy.ttlOf === undefined) return undefined;
  return (args) => new MethodRules(title, args, unless, tags);
}
