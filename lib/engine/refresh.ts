import type { LeaseRequest } from '../core/backend.js';
import type { KeyId } from '../core/key.js';
import type { Limits } from '../core/limits.js';
import type { Call } from './call.js';
import type { Load } from './load.js';

/**
 * Reloads entries that are still being served. Never awaited by callers, one at a time per key, and bounded: beyond
 * the bound an entry simply waits for its next reader. A refresh that fails leaves the entry as it is.
 */
export class Refresher {
  private readonly underWay = new Set<KeyId>();

  constructor(
    private readonly load: Load,
    private readonly limits: Limits,
  ) {}

  start(call: Call, purpose: LeaseRequest['purpose']): void {
    const { id } = call.key;
    if (this.underWay.has(id) || this.underWay.size >= this.limits.maxRefreshes) return;
    this.underWay.add(id);
    void this.load.background(call, purpose).finally(() => this.underWay.delete(id));
  }
}
