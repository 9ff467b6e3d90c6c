import { resolvePolicy, type Policy } from '../core/policy.js';
import type { ResultRules } from '../engine/call.js';
import { policyPart } from './decorators/check-options.js';
import type { CacheableOptions } from './decorators/decorator.options.js';
import { classConfig } from './decorators/metadata.js';
import type { Member } from './decorators/method-site.js';
import type { CacheParts } from './scoped-cache.parts.js';

/** The policy of a decorated method: defaults, its namespace's, its class's, its own. */
export function methodPolicy(
  { settings }: CacheParts,
  namespace: string,
  member: Member,
  options: CacheableOptions,
): Policy {
  const warn = (option: string, problem: string): void => settings.log.warn(`${option} ${problem}`);
  const base = resolvePolicy(
    settings.policyOf(namespace),
    policyPart(classConfig(member) ?? {}),
    `@CacheConfig of ${member.type.name}`,
  );
  return resolvePolicy(base, policyPart(options), member.title, warn);
}

type Unless = (result: unknown, ...args: unknown[]) => boolean;
type TagsOfResult = (result: unknown, ...args: unknown[]) => readonly string[];

/** Rules that need the result, bound to the arguments of one call. */
class MethodRules implements ResultRules {
  constructor(
    readonly args: readonly unknown[],
    private readonly unlessOf: Unless | undefined,
    private readonly tagsOf: TagsOfResult | undefined,
  ) {}

  unless(result: unknown): boolean {
    return this.unlessOf?.(result, ...this.args) === true;
  }

  tags(result: unknown): readonly string[] {
    return this.tagsOf?.(result, ...this.args) ?? [];
  }
}

/** Makes the rules of each call. Undefined when nothing in the options looks at results. */
export function rulesOf(
  options: CacheableOptions,
  policy: Policy,
): ((args: readonly unknown[]) => ResultRules) | undefined {
  const unless = options.unless as Unless | undefined;
  const tags = options.resultTags as TagsOfResult | undefined;
  if (unless === undefined && tags === undefined && policy.ttlOf === undefined) return undefined;
  return (args) => new MethodRules(args, unless, tags);
}
