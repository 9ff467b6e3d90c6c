import type { Lease } from '../core/backend.js';
import { Loading } from '../core/frame.js';
import { beginInContext, settledInContext } from '../core/run-in-context.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import type { ResultWriter, StoreOutcome } from './store-result.js';
import { LoadContext } from './loader.js';
import { LoadWatch, type LoadWatchParts } from './load-watch.js';
import { inheritFailureInto, inheritInto } from './lookup.js';
import type { Report } from './report.js';
import { isHidden } from './silence.js';

/**
 * Runs a method and stores what it returns. The lease is taken before the method runs, so that an invalidation in
 * between wins over the result, and loads that began earlier cannot overwrite it.
 *
 * The method runs in the scope of its key, as a loader does (invariant 6): its result is served to all callers of that
 * scope. What it reads from the cache counts as for a loader, too: data scoped more narrowly than the entry keep the
 * result from being stored.
 */
export class Put {
  constructor(
    private readonly parts: EngineParts,
    private readonly results: ResultWriter,
    private readonly report: Report,
    private readonly evict: (call: Call) => Promise<void>,
    private readonly watching: LoadWatchParts,
  ) {}

  /**
   * The method's result. When it was not stored, the entry it should have replaced is evicted: by now it is older than
   * what the method has done. Only a rule that says "do not store this one" leaves it standing.
   * @throws InvalidationUnknownError when neither storing nor evicting could be confirmed, unless the policy says
   * `failSilently: true`
   */
  async run(call: Call, method: () => unknown): Promise<unknown> {
    const { key, frame } = call;
    frame?.loading?.note(key.space);
    const lease = await this.lease(call);
    const leasedAtMs = lease === undefined ? undefined : this.parts.clock.monotonicMs();
    const loading = new Loading(key, frame?.loading, leasedAtMs, true);
    // The next reader need not wait until the lease runs out.
    const becomeOverdue = (): void => void (lease && this.results.release(lease));
    const watch = new LoadWatch(this.watching, { call, becomeOverdue }, lease);
    try {
      const inKey = { scope: key.space.scope, loading };
      const value = await beginInContext(this.parts.ambient, inKey, method);
      const { labels, freshUntilMs, refusal } =
        lease === undefined ? this.unstored(call) : await this.store(call, lease, value, loading, watch);
      if (refusal !== undefined && refusal !== 'skipped') await this.forget(call);
      inheritInto(call, { labels, freshUntilMs });
      return refusal === undefined ? value : settledInContext(this.parts.ambient, inKey, value);
    } catch (error) {
      inheritFailureInto(call, loading);
      if (lease !== undefined) await this.results.release(lease);
      throw error;
    } finally {
      watch.stop();
      loading.end();
    }
  }

  private async forget(call: Call): Promise<void> {
    try {
      await this.evict(call);
    } catch (error) {
      // Its method has done what it was called for; the eviction has been told of, and is queued where backends do that.
      if (!isHidden(call.policy.failSilently, error)) throw error;
    }
  }

  private async store(
    { key, policy, title, result: rules }: Call,
    lease: Lease,
    value: unknown,
    loading: Loading,
    { refusal: givenUp }: LoadWatch,
  ): Promise<StoreOutcome> {
    const context = new LoadContext(key.space);
    return this.results.store({ key, policy, title, rules, value, context, loading, givenUp }, lease);
  }

  /** Without a lease nothing is stored, and so nothing may be stored around it. */
  private unstored({ key }: Call): StoreOutcome {
    return { labels: key.labels, freshUntilMs: this.parts.clock.monotonicMs(), refusal: 'backend' };
  }

  private async lease({ key }: Call): Promise<Lease | undefined> {
    const { backend, limits } = this.parts;
    if (this.watching.held.isClosed) return undefined;
    try {
      const reply = await backend.lease(key, { leaseMs: limits.leaseMs, purpose: 'replace' });
      return reply.kind === 'granted' ? reply.lease : undefined;
    } catch (error) {
      this.report.failure(key.space, 'put', backend.kind, error);
      return undefined;
    }
  }
}
