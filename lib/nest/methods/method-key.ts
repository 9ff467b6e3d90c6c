import { KeyInvalidError } from '../../core/errors.js';
import type { MethodName, Where } from '../../core/values/canonical.js';
import type { SeenShape } from '../../core/values/seen-shape.js';
import type { DataClasses } from '../../core/values/data-classes.js';
import type { Frame } from '../../core/frame.js';
import type { MethodLead } from '../../core/keys/key-text.js';
import { checkNamespace, partsOf, type Key } from '../../core/keys/key.js';
import { NO_SCOPE, type Scope, type ScopeIds, type Width } from '../../core/keys/scope.js';
import type { Space } from '../../core/keys/space.js';
import { answered } from '../../core/async/thenable.js';
import type { CacheableOptions } from './decorator.options.js';
import { leadOf } from './members.js';
import { classConfig, declaredWidth } from './metadata.js';
import type { Member } from './method-site.js';
import { argumentNames, declaredClasses, placesOf } from './parameters/declared-arguments.js';
import { IgnoredArgs } from './parameters/parameter-names.js';
import type { InstanceNames } from './instance-names.js';
import type { PlanSetting } from './method-plan.js';
import type { NamespaceRegistry } from './namespace-registry.js';
import { explicitParts } from './explicit-key.js';
import type { CacheKey } from '../cache/scoped-cache.types.js';
import type { CacheParts } from '../cache/scoped-cache.parts.js';
import { spaceOf } from '../cache/space-of.js';

type Builder<T> = (...args: unknown[]) => T;

/** Makes the keys of one decorated method: space from scope and namespace, parts from its arguments. */
export class MethodKey {
  readonly namespace: string;
  readonly width: Width;
  /** The options say the scope, whatever that of the running call is. */
  readonly hasExplicitScope: boolean;
  /** What to say where `context` gives no id. */
  private readonly contextHint: string | undefined;
  private readonly parts: CacheParts;
  private readonly spaceName: string;
  /** What its spaces are asked for by. */
  private readonly spacesBy: string | MethodLead;
  private lastScope: Scope | undefined = undefined;
  private lastSpace: Space | undefined = undefined;
  private readonly build: Builder<CacheKey> | undefined;
  private readonly fixed: readonly unknown[] | undefined;
  /** Sets apart methods that share a namespace. In the space, unless the name of the object comes before it. */
  private readonly lead: readonly MethodName[];
  /** Sets apart objects of the class, where it says that they are. */
  private readonly instances: InstanceNames | undefined;
  /** What the objects among its arguments looked like last. */
  private readonly seen: (SeenShape | undefined)[];
  /** Names what its keys are made of, in errors. */
  private readonly where: Where;
  /** By position: the classes whose instances an argument may be, or have inside. */
  readonly declared: readonly (DataClasses | undefined)[];
  private readonly ignored: IgnoredArgs;
  private readonly isArgsAlone: boolean;
  readonly hasOwnKey: boolean;
  private readonly tagsOf: Builder<readonly string[]> | undefined;
  /** Names the method in errors. */
  readonly title: string;
  private readonly contextOf: Builder<ScopeIds> | undefined;

  /** @throws CacheConfigError */
  constructor(
    { parts, namespaces, keyed }: PlanSetting,
    member: Member,
    options: CacheableOptions,
    decorator = '@Cacheable',
    /** Of the method that evicts its entries. */
    evictedBy?: string,
  ) {
    this.parts = parts;
    const config = classConfig(member);
    const shared = options.namespace ?? config.namespace;
    this.namespace = checkNamespace(shared ?? member.ownName);
    this.width = widthOfMember(parts, member, decorator, options.scope);
    this.spaceName = options.version === undefined ? this.namespace : `${this.namespace}@${options.version}`;
    namespaces.note(this.namespace, this.spaceName);
    this.build = typeof options.key === 'function' ? (options.key as Builder<CacheKey>) : undefined;
    this.fixed = options.key === undefined || this.build !== undefined ? undefined : partsOf(options.key);
    this.lead = shared === undefined ? [] : leadOf(member, shared);
    this.instances = namespaces.instancesOf(config, member.type, this.namespace);
    this.ignored = new IgnoredArgs(options.ignoreArgs, member, `${member.title}.ignoreArgs`);
    this.hasOwnKey = options.key !== undefined;
    this.isArgsAlone = !this.hasOwnKey && !this.instances && this.ignored.areNone;
    const isOfMethod = this.lead.length > 0 && !this.hasOwnKey && this.instances === undefined;
    this.spacesBy = isOfMethod ? parts.foundation.keyFactory.texts.lead(this.spaceName, this.lead) : this.spaceName;
    this.claim(namespaces, member, shared, config.instances === undefined);
    this.title = member.title;
    this.declared = this.hasOwnKey ? [] : declaredClasses(member, parts.foundation.keyFactory.classes);
    if (evictedBy === undefined) keyed.push({ decorator, member, ignored: this.ignored, isOwn: this.hasOwnKey });
    const before = this.instances === undefined ? 0 : 1 + (this.hasOwnKey ? 0 : this.lead.length);
    this.seen = placesOf(this.declared, this.ignored, before);
    const of = this.namespace === this.title ? this.title : `${this.title} (namespace ${this.namespace})`;
    const method = evictedBy === undefined ? of : `${evictedBy} evicts ${of}`;
    this.where = argumentNames(`${method}: ${this.hasOwnKey ? 'key part' : 'argument'}`, this.ignored, before);
    this.tagsOf = tagsOf(options.tags, `${member.title}.tags`);
    this.contextOf = options.context as Builder<ScopeIds> | undefined;
    this.hasExplicitScope = this.contextOf !== undefined;
    this.contextHint = this.hasExplicitScope ? `\`context\` of ${member.title} returned none.` : undefined;
  }

  /** All calls have one key. */
  get isFixed(): boolean {
    return this.fixed !== undefined;
  }

  /** @throws CacheConfigError when another member has the same keys, or the class has no name that they can be made of */
  private claim(namespaces: NamespaceRegistry, member: Member, shared: string | undefined, isOne: boolean): void {
    const { hasOwnKey } = this;
    if (shared === undefined || (!hasOwnKey && member.classNamespace === undefined)) namespaces.claimClass(member);
    if (!hasOwnKey) namespaces.checkBase(member);
    if (!hasOwnKey)
      namespaces.claimKeys(JSON.stringify([this.spaceName, ...this.lead.map(({ name }) => name)]), member);
    else if (shared !== undefined && isOne) namespaces.claimInherited(member, this.spaceName);
  }

  /** @throws ScopeMissingError */
  space(frame: Frame | undefined, args: readonly unknown[]): Space {
    return this.spaceIn(this.contextOf === undefined ? (frame?.scope ?? NO_SCOPE) : this.scope(frame, args));
  }

  /**
   * For a call that goes without the cache: the scope that its method runs in all the same, which is that of its key, or
   * as much of it as is known. Where the `context` option gives no valid scope, the method runs in the scope NO_SCOPE,
   * never in its caller's.
   */
  withoutKey(frame: Frame | undefined, args: readonly unknown[]): { readonly scope: Scope; readonly space?: Space } {
    let scope = NO_SCOPE;
    try {
      scope = this.scope(frame, args);
      const space = this.spaceIn(scope);
      return { scope: space.scope, space };
    } catch {
      // The call goes without the cache, so whatever is wrong with its scope does not concern it.
      return { scope };
    }
  }

  /**
   * The space of a scope that the caller has settled. The last one is remembered: a request calls a method more than once,
   * and looking it up is a tenth of a hit.
   * @throws ScopeMissingError
   */
  spaceIn(scope: Scope): Space {
    const { foundation } = this.parts;
    const { lastSpace } = this;
    if (scope === this.lastScope && lastSpace?.stats.isKept === true) return lastSpace;
    const space = spaceOf(foundation, scope, this.width, this.spacesBy, this.contextHint);
    this.lastScope = scope;
    this.lastSpace = space;
    return space;
  }

  /** What the `context` option says, else the scope of the running call. */
  scope(frame: Frame | undefined, args: readonly unknown[]): Scope {
    if (this.contextOf !== undefined)
      return this.parts.foundation.scopes.of(answered(this.contextOf(...args), `${this.title}.context`));
    return frame === undefined ? NO_SCOPE : frame.scope;
  }

  /** @throws KeyInvalidError, TagInvalidError */
  key(space: Space, self: unknown, args: readonly unknown[]): Key {
    return this.keyOf(space, this.text(space, self, args), args);
  }

  /** What names the entry of a call in its space. @throws KeyInvalidError */
  text(space: Space, self: unknown, args: readonly unknown[]): string {
    const parts = this.isArgsAlone ? args : this.keyParts(self, args);
    try {
      return this.parts.foundation.keyFactory.texts.of(space, parts, this.where, this.seen);
    } catch (error) {
      // Where the call came from, in place of where in the argument it was found.
      if (error instanceof KeyInvalidError) Error.captureStackTrace(error, this.text);
      throw error;
    }
  }

  /** The key of such a text. */
  keyOf(space: Space, text: string, args: readonly unknown[]): Key {
    const { tagsOf } = this;
    const tags = tagsOf && (() => this.inSpace(space, () => tagsOf(...args)));
    return this.parts.foundation.keyFactory.keyOf(space, text, tags);
  }

  /** The key of an entry that goes: its tags do not matter, and finding them out might fail. */
  bareKey(space: Space, self: unknown, args: readonly unknown[]): Key {
    return this.parts.foundation.keyFactory.keyOf(space, this.text(space, self, args), undefined);
  }

  /** True for an argument that stays out of the key. */
  ignores(position: number): boolean {
    return this.ignored.has(position);
  }

  /** What decides about an entry may know no more than the callers that get it. */
  private inSpace<R>({ scope }: Space, work: () => R): R {
    const { context } = this.parts.foundation;
    return context.run({ scope, loading: context.loading() }, work);
  }

  private keyParts(self: unknown, args: readonly unknown[]): readonly unknown[] {
    if (this.isArgsAlone) return args;
    const own = this.ownKey(args);
    const counted = own ?? args.filter((_, position) => !this.ignored.has(position));
    if (this.instances === undefined) return counted;
    return [this.instances.of(self as object), ...(own === undefined ? this.lead : []), ...counted];
  }

  /** The key that the options say. */
  private ownKey(args: readonly unknown[]): readonly unknown[] | undefined {
    const { build } = this;
    if (build === undefined) return this.fixed;
    const say = (): CacheKey => answered(build(...args), `${this.title}.key`);
    return explicitParts(say(), args, say);
  }
}

/** A function of the arguments, whichever way the tags were given. */
function tagsOf(tags: CacheableOptions['tags'], option: string): Builder<readonly string[]> | undefined {
  if (tags === undefined) return undefined;
  if (typeof tags !== 'function') return () => tags;
  const build = tags as Builder<readonly string[]>;
  return (...args) => answered(build(...args), option);
}

/** The width a method caches at: its own word, then what is said of it and of its classes, then that of the module. */
export function widthOfMember(
  { settings }: CacheParts,
  member: Member,
  decorator: string,
  said: Width | undefined,
): Width {
  return said ?? declaredWidth(member, decorator) ?? settings.scope.defaultWidth;
}
