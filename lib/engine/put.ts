import type { Lease } from '../core/backend.js';
import { Loading } from '../core/frame.js';
import type { RefusalReason } from '../core/observer.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import type { Filler } from './filler.js';
import { LoadContext } from './loader.js';
import type { Report } from './report.js';

/** Outcomes after which an older entry may be left standing, because something newer decided so. */
const LEAVES_ENTRY: ReadonlySet<RefusalReason | undefined> = new Set<RefusalReason | undefined>([
  undefined,
  'skipped',
  'lease-lost',
  'invalidated',
]);

/**
 * Runs a method and stores what it returns. The lease is taken before the method runs, so that an invalidation in
 * between wins over the result, and loads that began earlier cannot overwrite it.
 */
export class Put {
  constructor(
    private readonly parts: EngineParts,
    private readonly filler: Filler,
    private readonly report: Report,
    private readonly evict: (call: Call) => Promise<void>,
  ) {}

  /**
   * The method's result. When it cannot be stored, the entry it should have replaced is evicted.
   * @throws InvalidationUnknownError when neither storing nor evicting could be confirmed.
   */
  async run(call: Call, method: () => unknown): Promise<unknown> {
    const lease = await this.lease(call);
    let value: unknown;
    try {
      value = await method();
    } catch (error) {
      if (lease !== undefined) await this.filler.release(lease);
      throw error;
    }
    if (!LEAVES_ENTRY.has(await this.store(call, lease, value))) await this.evict(call);
    return value;
  }

  private async store(call: Call, lease: Lease | undefined, value: unknown): Promise<RefusalReason | undefined> {
    if (lease === undefined) return 'backend';
    const { key, policy, result: rules } = call;
    const context = LoadContext.of(key);
    const settled = await this.filler.settle(
      { key, policy, rules, value, context, loading: new Loading(key, undefined), isLate: false },
      lease,
    );
    return settled.refusal;
  }

  private async lease({ key }: Call): Promise<Lease | undefined> {
    try {
      const reply = await this.parts.backend.lease(key, { leaseMs: this.parts.limits.maxLoadMs, purpose: 'replace' });
      return reply.kind === 'granted' ? reply.lease : undefined;
    } catch (error) {
      this.report.failure(key.space, 'put', this.parts.backend.kind, error);
      return undefined;
    }
  }
}
