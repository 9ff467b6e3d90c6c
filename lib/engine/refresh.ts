import type { LeaseRequest } from '../core/backend.js';
import type { KeyId } from '../core/keys/key.js';
import type { Limits } from '../core/limits.js';
import type { Partition } from '../core/keys/partition.js';
import type { Call } from './call.js';
import { FairShare } from './bounds/fair-share.js';
import type { HeldLeases } from './held-leases.js';
import type { Load } from './load.js';

/**
 * Reloads entries that are still being served. Never awaited by callers, one at a time per key, and bounded: beyond
 * the bound, or its tenant's share of it, an entry simply waits for its next reader. A refresh that fails leaves the entry as it is.
 */
export class Refresher {
  private readonly underWay = new Set<KeyId>();
  private readonly share: FairShare<Partition>;

  constructor(
    private readonly load: Load,
    limits: Limits,
    private readonly held: HeldLeases,
  ) {
    this.share = new FairShare(limits.maxRefreshes);
  }

  start(call: Call, purpose: LeaseRequest['purpose']): void {
    const { id, space } = call.key;
    if (this.held.isClosing || this.underWay.has(id) || !this.share.admits(space.partition)) return;
    this.underWay.add(id);
    this.share.enter(space.partition);
    void this.load.background(call, purpose).finally(() => {
      this.underWay.delete(id);
      this.share.leave(space.partition);
    });
  }
}
