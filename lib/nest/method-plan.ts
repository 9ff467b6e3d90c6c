import type { Member } from './decorators/method-site.js';
import type { NamespaceBook } from './namespace-book.js';
import type { CacheParts } from './scoped-cache.parts.js';

/** What one decorator does to one method in one cache. */
export interface MethodPlan {
  run(self: unknown, args: unknown[]): unknown;
}

/** What a plan is made from. */
export interface PlanSetting {
  readonly parts: CacheParts;
  readonly book: NamespaceBook;
}

/** @throws CacheConfigError for what can only be known inside an application */
export type PlanMaker = (setting: PlanSetting, member: Member) => MethodPlan;
