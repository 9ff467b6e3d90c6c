import type { Foundation } from '../../assemble.js';
import type { CacheEngine } from '../../engine/cache-engine.js';
import type { CacheSettings } from '../cache.settings.js';

/** What every view of a cache shares. */
export interface CacheParts {
  readonly foundation: Foundation;
  readonly engine: CacheEngine;
  readonly settings: CacheSettings;
}
