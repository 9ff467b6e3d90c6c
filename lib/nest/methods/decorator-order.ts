import { CacheConfigError } from '../../core/errors.js';
import { WIDTHS } from '../../core/keys/scope.js';
import type { PlanPlace } from './method-plan.js';

/**
 * Decorators are parts of the method for those above them: below one that stores, they act in the scope of its key. One
 * that needs more than this scope has, or that would silently act for others than its caller, cannot stand there.
 * @throws CacheConfigError
 */
export function checkOrder(title: string, above: PlanPlace, below: PlanPlace): void {
  if (!above.entersKey || below.hasExplicitScope) return;
  if (!above.hasExplicitScope && WIDTHS.indexOf(below.width) <= WIDTHS.indexOf(above.width)) return;
  throw new CacheConfigError(
    `${above.decorator} ${title}`,
    `what stands below it runs in the scope of its key, where ${below.decorator} does not find the ${below.width === 'user' ? 'user' : 'tenant'} of the caller; ` +
      `write ${below.decorator} above it, or give it a \`context\``,
  );
}
