import type { Width } from '../../core/keys/scope.js';
import type { Member } from './method-site.js';
import type { NamespaceRegistry } from './namespace-registry.js';
import type { CacheParts } from '../cache/scoped-cache.parts.js';

/** The scope a decorator acts in, as far as others on the same method have to know. */
export interface PlanPlace {
  /** `@CachePut`. */
  readonly decorator: string;
  readonly width: Width;
  /** Its options say the scope, whatever that of the running call is. */
  readonly hasExplicitScope: boolean;
  /** What stands below it runs in the scope of its key. */
  readonly entersKey: boolean;
}

/** What one decorator does to one method in one cache. */
export interface MethodPlan {
  readonly place: PlanPlace;
  run(self: unknown, args: unknown[]): unknown;
}

/** A method that a decorator makes keys for. */
export interface KeyedMethod {
  readonly decorator: string;
  readonly member: Member;
  /** The arguments that stay out of them, by position. */
  readonly ignored: { has(position: number): boolean };
  /** Its options say the key. */
  readonly isOwn: boolean;
}

/** What a plan is made from. */
export interface PlanSetting {
  readonly parts: CacheParts;
  readonly namespaces: NamespaceRegistry;
  /**
   * The same of the cache that a decorator says; without a name, of the cache that all others are of. Undefined: a test
   * has put something else in its place, and what it decorates simply runs.
   * @param where the option that says the name
   * @throws CacheConfigError where there is none of that name
   */
  readonly of: (cache: string | undefined, where: string) => PlanSetting | undefined;
  /** To be looked over when the application starts. */
  readonly keyed: KeyedMethod[];
}

/** @throws CacheConfigError for what can only be known inside an application */
export type PlanMaker = (setting: PlanSetting, member: Member) => MethodPlan;
