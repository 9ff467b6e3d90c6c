import { CacheConfigError } from '../../core/errors.js';
import type { Width } from '../../core/keys/scope.js';
import type { Space } from '../../core/keys/space.js';
import { parameterCounts } from './arity.js';
import type { CacheEvictOptions } from './decorator.options.js';
import { memberOf } from './members.js';
import { cacheablesOf, cacheOf } from './metadata.js';
import type { Member } from './method-site.js';
import { MethodKey } from './method-key.js';
import type { PlanSetting } from './method-plan.js';
import { Removals, type Removal } from './removals.js';

/** A cached method whose entries a `@CacheEvict` removes. */
export class EvictedMethod {
  readonly removing: Removals;

  constructor(
    /** Of the cache that it is kept in. */
    readonly setting: PlanSetting,
    readonly keys: MethodKey,
    readonly width: Width,
    title: string,
    /** How many of the own arguments are those of the method. More than one number when it cannot be told for certain. */
    private readonly counts: readonly number[],
  ) {
    this.removing = new Removals(setting, width, keys.namespace, title);
  }

  /** The entries that calls with these arguments would have; `isOwn` when they are those of the evicting method. */
  entriesOf(
    args: readonly unknown[],
    isOwn: boolean,
    self: unknown,
    spaceOf: (keys: MethodKey, args: readonly unknown[]) => Space,
  ): Removal {
    const lists = isOwn ? this.counts.map((count) => args.slice(0, count)) : [args];
    return this.removing.byKeys(lists.map((list) => this.keys.bareKey(spaceOf(this.keys, list), self, list)));
  }
}

/** What the `method` option means for the objects of a member, bases first. @throws CacheConfigError */
export function evictedBy(setting: PlanSetting, member: Member, options: CacheEvictOptions): readonly EvictedMethod[] {
  const { method } = options;
  if (method === undefined) return [];
  const found = cacheablesOf(member, method);
  if (found.length === 0) throw mistake(member, 'method', `"${method}" is not a @Cacheable method of this class`);
  return found.map((decoration, at) => {
    const { site, cacheable } = decoration;
    const kept = memberOf(site, member.type);
    const its = setting.of(cacheOf(decoration, kept), `@Cacheable ${site.title}.cache`) ?? setting;
    if (options.cache !== undefined && its.parts !== setting.parts)
      throw mistake(member, 'cache', `is '${options.cache}', but "${method}" is kept in another one: leave it out`);
    const keys = new MethodKey(its, kept, cacheable ?? {}, '@Cacheable', member.title);
    if (options.allEntries === true && keys.hasExplicitScope && options.context === undefined)
      throw mistake(member, 'context', `is needed: "${method}" says for whom by its own arguments`);
    const isShown = at === found.length - 1;
    const width = isShown ? shownWidth(member, options, keys.width) : baseWidth(options, keys.width);
    return new EvictedMethod(its, keys, width, member.ownName, countsOf(member, options, site, keys));
  });
}

/** Of one entry, exactly its own width; of all, also a wider one, which covers it. */
function shownWidth(member: Member, { scope, allEntries, method }: CacheEvictOptions, width: Width): Width {
  if (scope === undefined || scope === width || allEntries === true) return scope ?? width;
  throw mistake(member, 'scope', `is "${scope}", but the entries of "${method}" are kept for "${width}"`);
}

/** What is said is said of the method that objects show; its bases have a width of their own. */
function baseWidth({ scope, allEntries }: CacheEvictOptions, width: Width): Width {
  return allEntries === true && scope === 'tenant' && width === 'user' ? scope : width;
}

function countsOf(
  member: Member,
  { args, allEntries, method }: CacheEvictOptions,
  site: Parameters<typeof parameterCounts>[0],
  keys: MethodKey,
): readonly number[] {
  if (args !== undefined || allEntries === true || keys.isFixed) return [0];
  const counts = parameterCounts(site);
  if (counts !== undefined) return counts;
  throw mistake(
    member,
    'args',
    `is needed: how many of its arguments are those of "${method}" cannot be told, since another decorator below @Cacheable has put a function of its own there`,
  );
}

function mistake(member: Member, option: string, problem: string): CacheConfigError {
  return new CacheConfigError(`@CacheEvict ${member.title}.${option}`, problem);
}
