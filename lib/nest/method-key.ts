import { partsOf, type Key } from '../core/key.js';
import { NOBODY, type Scope, type Width } from '../core/scope.js';
import type { Frame } from '../core/frame.js';
import type { Space } from '../core/space.js';
import type { CacheableOptions } from './decorators/decorator.options.js';
import { classConfig, declaredWidth, type MethodSite } from './decorators/metadata.js';
import { ignoredPositions } from './decorators/parameter-names.js';
import type { CacheKey } from './scoped-cache.types.js';
import type { CacheParts } from './scoped-cache.parts.js';

type Builder<T> = (...args: unknown[]) => T;

/** Makes the keys of one decorated method: space from scope and namespace, parts from its arguments. */
export class MethodKey {
  readonly namespace: string;
  readonly width: Width;
  private readonly spaceName: string;
  private readonly build: Builder<CacheKey> | undefined;
  private readonly fixed: readonly unknown[] | undefined;
  /** Set apart methods that share a namespace of their class. */
  private readonly lead: readonly string[];
  private readonly ignored: ReadonlySet<number>;
  private readonly tagsOf: Builder<readonly string[]> | undefined;
  private readonly fixedTags: readonly string[] | undefined;
  private readonly contextOf: Builder<{ tenant?: string; user?: string }> | undefined;

  constructor(
    private readonly parts: CacheParts,
    site: MethodSite,
    options: CacheableOptions,
  ) {
    const shared = options.namespace ?? classConfig(site)?.namespace;
    this.namespace = shared ?? site.title;
    this.width = options.scope ?? declaredWidth(site) ?? classConfig(site)?.scope ?? parts.settings.scope.defaultWidth;
    this.spaceName = options.version === undefined ? this.namespace : `${this.namespace}@${options.version}`;
    this.build = typeof options.key === 'function' ? (options.key as unknown as Builder<CacheKey>) : undefined;
    this.fixed = options.key === undefined || this.build !== undefined ? undefined : partsOf(options.key);
    this.lead = shared === undefined ? [] : [site.name];
    this.ignored = ignoredPositions(options.ignoreArgs, site, `${site.title}.ignoreArgs`);
    this.tagsOf =
      typeof options.tags === 'function' ? (options.tags as unknown as Builder<readonly string[]>) : undefined;
    this.fixedTags = Array.isArray(options.tags) ? (options.tags as readonly string[]) : undefined;
    this.contextOf = options.context as Builder<{ tenant?: string; user?: string }> | undefined;
  }

  /** @throws ScopeMissingError */
  space(frame: Frame | undefined, args: unknown[]): Space {
    return this.parts.foundation.mint.space(this.scope(frame, args), this.width, this.spaceName);
  }

  /** The space under another scope and width: whoever evicts says for whom. */
  spaceIn(scope: Scope, width: Width): Space {
    return this.parts.foundation.mint.space(scope, width, this.spaceName);
  }

  private scope(frame: Frame | undefined, args: unknown[]): Scope {
    if (this.contextOf !== undefined) return this.parts.foundation.scopes.of(this.contextOf(...args));
    return frame === undefined ? NOBODY : frame.scope;
  }

  /** @throws KeyInvalidError, TagInvalidError */
  key(space: Space, args: unknown[]): Key {
    const tags = this.tagsOf === undefined ? this.fixedTags : this.tagsOf(...args);
    return this.parts.foundation.mint.key(
      space,
      this.keyParts(args),
      tags,
      this.build === undefined ? 'argument' : 'key part',
    );
  }

  private keyParts(args: unknown[]): readonly unknown[] {
    if (this.build !== undefined) return partsOf(this.build(...args));
    if (this.fixed !== undefined) return this.fixed;
    if (this.lead.length === 0 && this.ignored.size === 0) return args;
    return [...this.lead, ...args.filter((_, position) => !this.ignored.has(position))];
  }
}
