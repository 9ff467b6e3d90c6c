import { MethodName } from '../core/canonical.js';
import type { Frame } from '../core/frame.js';
import { checkNamespace, partsOf, type Key } from '../core/key.js';
import { NOBODY, type Scope, type ScopeIds, type Width } from '../core/scope.js';
import type { Space } from '../core/space.js';
import { answered } from '../core/thenable.js';
import type { CacheableOptions } from './decorators/decorator.options.js';
import { classConfig, declaredWidth } from './decorators/metadata.js';
import type { Member } from './decorators/method-site.js';
import { IgnoredArgs, parameterNames } from './decorators/parameter-names.js';
import type { PlanSetting } from './method-plan.js';
import type { CacheKey } from './scoped-cache.types.js';
import type { CacheParts } from './scoped-cache.parts.js';

type Builder<T> = (...args: unknown[]) => T;

/** Makes the keys of one decorated method: space from scope and namespace, parts from its arguments. */
export class MethodKey {
  readonly namespace: string;
  readonly width: Width;
  /** The options say for whom, whatever the surroundings. */
  readonly saysForWhom: boolean;
  private readonly parts: CacheParts;
  private readonly spaceName: string;
  private readonly build: Builder<CacheKey> | undefined;
  private readonly fixed: readonly unknown[] | undefined;
  /** Sets apart methods that share a namespace of their class. */
  private readonly lead: readonly MethodName[];
  private readonly ignored: IgnoredArgs;
  private readonly isArgsAlone: boolean;
  /** How many parameters the method has; Infinity when it takes any number. */
  readonly maxArgs: number;
  private readonly tagsOf: Builder<readonly string[]> | undefined;
  /** Names the method in errors. */
  readonly title: string;
  private readonly contextOf: Builder<ScopeIds> | undefined;

  /** @throws CacheConfigError */
  constructor({ parts, book }: PlanSetting, member: Member, options: CacheableOptions) {
    this.parts = parts;
    const shared = options.namespace ?? classConfig(member)?.namespace;
    if (shared === undefined) book.claim(member.ownName, member.type);
    this.namespace = checkNamespace(shared ?? member.ownName);
    this.width = widthOfMember(parts, member, options.scope);
    this.spaceName = options.version === undefined ? this.namespace : `${this.namespace}@${options.version}`;
    book.note(this.namespace, this.spaceName);
    this.build = typeof options.key === 'function' ? (options.key as Builder<CacheKey>) : undefined;
    this.fixed = options.key === undefined || this.build !== undefined ? undefined : partsOf(options.key);
    this.lead = shared === undefined ? [] : member.lead.map((name) => new MethodName(name));
    this.ignored = new IgnoredArgs(options.ignoreArgs, member, `${member.title}.ignoreArgs`);
    this.isArgsAlone = this.lead.length === 0 && this.ignored.areNone;
    this.maxArgs = maxArgsOf(member);
    this.title = member.title;
    this.tagsOf = tagsOf(options.tags, `${member.title}.tags`);
    this.contextOf = options.context as Builder<ScopeIds> | undefined;
    this.saysForWhom = this.contextOf !== undefined;
  }

  /** @throws ScopeMissingError */
  space(frame: Frame | undefined, args: readonly unknown[]): Space {
    return this.spaceIn(this.scope(frame, args));
  }

  /**
   * For a call that goes without the cache: the scope that its method runs in all the same, which is that of its key, or
   * as much of it as can be said. What the options say for whom and nobody understands is nobody's, never the caller's.
   */
  withoutKey(frame: Frame | undefined, args: readonly unknown[]): { readonly scope: Scope; readonly space?: Space } {
    let scope = NOBODY;
    try {
      scope = this.scope(frame, args);
      const space = this.spaceIn(scope);
      return { scope: space.scope, space };
    } catch {
      // The call goes without the cache, so whatever is wrong with its scope does not concern it.
      return { scope };
    }
  }

  /** The space of a scope that somebody else has settled. @throws ScopeMissingError */
  spaceIn(scope: Scope): Space {
    return this.parts.foundation.mint.space(scope, this.width, this.spaceName);
  }

  /** For whom: what the `context` option says, else the surroundings. */
  scope(frame: Frame | undefined, args: readonly unknown[]): Scope {
    if (this.contextOf !== undefined)
      return this.parts.foundation.scopes.of(answered(this.contextOf(...args), `${this.title}.context`));
    return frame === undefined ? NOBODY : frame.scope;
  }

  /** @throws KeyInvalidError, TagInvalidError */
  key(space: Space, args: readonly unknown[]): Key {
    const { tagsOf } = this;
    const tags = tagsOf && (() => tagsOf(...args));
    return this.parts.foundation.mint.key(
      space,
      this.keyParts(args),
      tags,
      this.build === undefined ? 'argument' : 'key part',
    );
  }

  /** The key of an entry that goes: its tags do not matter, and finding them out might fail. */
  bareKey(space: Space, args: readonly unknown[]): Key {
    return this.parts.foundation.mint.key(space, this.keyParts(args), undefined, 'argument');
  }

  /** True for an argument that stays out of the key. */
  ignores(position: number): boolean {
    return this.ignored.has(position);
  }

  private keyParts(args: readonly unknown[]): readonly unknown[] {
    if (this.build !== undefined) return partsOf(answered(this.build(...args), `${this.title}.key`));
    if (this.fixed !== undefined) return this.fixed;
    if (this.isArgsAlone) return args;
    return [...this.lead, ...args.filter((_, position) => !this.ignored.has(position))];
  }
}

/** A function of the arguments, whichever way the tags were given. */
function tagsOf(tags: CacheableOptions['tags'], option: string): Builder<readonly string[]> | undefined {
  if (tags === undefined) return undefined;
  if (typeof tags !== 'function') return () => tags;
  const build = tags as Builder<readonly string[]>;
  return (...args) => answered(build(...args), option);
}

/** The width a method caches at: its own word, then that of its class, then that of the module. */
export function widthOfMember({ settings }: CacheParts, member: Member, said: Width | undefined): Width {
  return said ?? declaredWidth(member) ?? classConfig(member)?.scope ?? settings.scope.defaultWidth;
}

function maxArgsOf({ written }: Member): number {
  const names = parameterNames(written) ?? ['...'];
  return names.some((name) => name.startsWith('...')) ? Infinity : names.length;
}
