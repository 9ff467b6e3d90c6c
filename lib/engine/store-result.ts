/**
 * Turns a loaded value into an entry, or into a reason why not. Whatever happens here, the value itself has already
 * been earned by the caller: nothing in this file may turn it into an error (invariant 13).
 */
import { isPending } from '../core/async/awaitable.js';
import type { Lease } from '../core/backend.js';
import type { Draft } from '../core/entry.js';
import { clampDuration, MAX_DURATION_MS, secondsWarning } from '../core/duration.js';
import {
  CacheError,
  QuotaExceededError,
  ScopeLeakError,
  UnserializableError,
  ValueTooLargeError,
} from '../core/errors.js';
import type { Loading } from '../core/frame.js';
import type { Key } from '../core/keys/key.js';
import { fittedLabels, gatherTags, type Label } from '../core/keys/label.js';
import type { Space } from '../core/keys/space.js';
import type { RefusalReason } from '../core/observer.js';
import { graceMs, ttlForResult, type Policy } from '../core/policy.js';
import type { ResultRules } from './call.js';
import type { EngineParts } from './engine-parts.js';
import type { HeldLeases } from './held-leases.js';
import type { LoadContext } from './loader.js';
import type { Report } from './report.js';
import type { SingleFlight } from './single-flight.js';

const NO_ARGS: readonly unknown[] = [];

/** A value, and what it is made of. */
export interface Making {
  readonly key: Key;
  readonly rules: ResultRules | undefined;
  readonly value: unknown;
  readonly context: LoadContext;
  readonly loading: Loading;
}

/** What is known when a loader has answered. */
export interface Result extends Making {
  readonly policy: Policy;
  /** The method it is of, where one is decorated. */
  readonly title: string | undefined;
  /** Its lease has been given up, for this reason. */
  readonly givenUp: RefusalReason | undefined;
}

/** What became of a result: what is known of it, and why it was not stored, if it was not. */
export interface StoreOutcome {
  readonly labels: readonly Label[];
  readonly freshUntilMs: number;
  readonly refusal: RefusalReason | 'no-lease' | undefined;
}

export class ResultWriter {
  constructor(
    private readonly parts: EngineParts,
    private readonly report: Report,
    private readonly flights: SingleFlight,
    private readonly held: HeldLeases,
  ) {}

  /**
   * Stores the result under its lease, or gives the lease back. Never rejects.
   * @param onAdmitted told what is known when the backend does not look at the value any more, of so many bytes
   */
  async store(
    result: Result,
    lease: Lease,
    onAdmitted?: (outcome: StoreOutcome, sizeBytes: number) => void,
  ): Promise<StoreOutcome> {
    const { key, policy, rules } = result;
    const { backend, clock } = this.parts;
    const hasRules = rules !== undefined || policy.ttlOf !== undefined;
    const draft = hasRules ? this.inKey(result, () => this.draft(result)) : this.draft(result);
    const nowMs = clock.monotonicMs();
    if (typeof draft === 'string') return this.refuse(result, lease, draft, nowMs);
    const { labels, freshForMs } = draft;
    const freshUntilMs = nowMs + freshForMs;
    let refusal: RefusalReason | undefined;
    try {
      const filled = backend.fill(
        lease,
        onAdmitted === undefined
          ? draft
          : {
              ...draft,
              onAdmitted: (sizeBytes) => onAdmitted({ labels, freshUntilMs, refusal: undefined }, sizeBytes),
            },
      );
      const outcome = isPending(filled) ? await filled : filled;
      if (outcome === 'stored') {
        key.space.stats.count('sets');
        if (this.report.emit.isHeard) {
          this.report.event({ type: 'fill', ttlMs: freshForMs, ...this.report.place(key) });
        }
      } else {
        this.report.refused(key, (refusal = outcome));
      }
    } catch (error) {
      refusal = this.reasonOf(error, result);
      this.report.refused(key, refusal);
      await this.release(lease);
    }
    return { labels, freshUntilMs, refusal };
  }

  /** A result that is not stored, while what is made of it may be: that gets its tags, and ends with what it was made of. */
  passOn(result: Making, refusal: StoreOutcome['refusal']): StoreOutcome {
    const { key, rules, value, loading } = result;
    try {
      // A value that would not be stored is not asked for its tags, here as little as elsewhere.
      const labels = this.inKey(result, () => {
        const isNone = value === undefined || rules?.unless?.(value) === true;
        return this.labels(isNone ? { ...result, rules: undefined } : result);
      });
      return { labels, freshUntilMs: loading.innerFreshUntilMs, refusal };
    } catch {
      // Its tags are not known.
      return { labels: key.labels, freshUntilMs: this.parts.clock.monotonicMs(), refusal };
    }
  }

  /** Gives a lease back. One that cannot be given back is remembered as abandoned; elsewhere it ends by itself. */
  async release(lease: Lease): Promise<void> {
    // Whatever was held then went back when the cache was closed.
    if (this.held.isClosed) return;
    try {
      await this.parts.backend.release(lease);
    } catch (error) {
      this.report.failure(lease.key.space, 'release', this.parts.backend.kind, error);
      this.flights.abandon(lease.token);
    }
  }

  /** A ttl cut to `limits.maxTtl`. No expiry stays none, unless a limit was set. */
  bounded(ttlMs: number): number {
    const { maxTtlMs } = this.parts.limits;
    return ttlMs === Infinity && maxTtlMs === MAX_DURATION_MS ? ttlMs : Math.min(ttlMs, maxTtlMs);
  }

  /** What would be stored for an explicit write. @throws whatever makes it unstorable */
  draftOf(key: Key, value: unknown, policy: Policy): Draft {
    if (value === undefined) throw new UnserializableError('value', 'is undefined, which stands for "nothing"');
    const { ambient } = this.parts;
    const decide = (): number => this.ttlMs(policy, value, undefined, []);
    const ttlMs =
      policy.ttlOf === undefined
        ? decide()
        : ambient.run({ scope: key.space.scope, loading: ambient.loading() }, decide);
    return this.compose(policy, value, key.labels, ttlMs);
  }

  /** Rules of the user's run in the scope of the key: what they decide holds for all callers that get the entry. */
  private inKey<R>({ key, loading }: Making, work: () => R): R {
    return this.parts.ambient.run({ scope: key.space.scope, loading }, work);
  }

  private async refuse(result: Result, lease: Lease, refusal: RefusalReason, nowMs: number): Promise<StoreOutcome> {
    const { key, policy } = result;
    this.report.refused(key, refusal);
    await this.release(lease);
    // A rule that says "do not store this" means what is made of it too; a shape that cannot be stored says nothing.
    if (refusal !== 'undefined') return { labels: key.labels, freshUntilMs: nowMs, refusal };
    const { labels, freshUntilMs } = this.passOn(result, refusal);
    return { labels, freshUntilMs: Math.min(freshUntilMs, nowMs + policy.ttlMs), refusal };
  }

  private reasonOf(error: unknown, { key, title }: Result): RefusalReason {
    const { namespace } = key.space;
    if (error instanceof UnserializableError) {
      const whose = `namespace "${namespace}"`;
      const of = title === undefined ? whose : `${title} (${whose})`;
      // Methods may share a namespace, and each has results of its own.
      this.report.warnOnce(
        `unserializable/${of}`,
        key.space,
        `Results of ${of} are not stored; the caller was answered all the same: ${error.message}`,
      );
      return 'unserializable';
    }
    if (error instanceof ValueTooLargeError) {
      this.report.warnOnce(
        'too-large',
        key.space,
        `A result of namespace "${namespace}" is not stored: ${error.message}`,
      );
      return 'too-large';
    }
    if (error instanceof QuotaExceededError) return 'quota';
    this.report.failure(key.space, 'fill', this.parts.backend.kind, error);
    return 'backend';
  }

  private draft(result: Result): Draft | RefusalReason {
    const { key, policy, rules, value, context, loading, givenUp } = result;
    try {
      if (context.isSkipped) return 'skipped';
      if (value === undefined) return 'undefined';
      if (givenUp !== undefined) return givenUp;
      if (loading.leak !== undefined) return this.tainted(key, loading.leak.namespace);
      if (rules?.unless?.(value) === true) return 'skipped';
      const saysTags = rules?.tags !== undefined || context.said !== undefined || loading.innerLabels !== undefined;
      const labels = saysTags ? this.labels(result) : key.labels;
      if (context.isInSeconds) this.secondsSaid(key.space);
      const ttlMs = this.ttlMs(policy, value, context.ttlMs, rules?.args ?? NO_ARGS);
      const innerMs = loading.innerFreshUntilMs - this.parts.clock.monotonicMs();
      if (innerMs < 1) return 'inner-expired';
      return this.compose(policy, value, labels, Math.min(ttlMs, innerMs));
    } catch (error) {
      // A rule of the user's (ttl, unless, tags) failed or said nonsense. The result stands; storing it does not.
      this.report.foreign(key.space, 'rule', error);
      // Only messages of ours are repeated: those of others may quote the value.
      const problem = error instanceof CacheError ? error.message : 'its `ttl`, `unless` or `resultTags` threw.';
      this.report.warnOnce('rule', key.space, `Namespace "${key.space.namespace}": ${problem}`);
      return 'rule';
    }
  }

  private secondsSaid(space: Space): void {
    const place = `ttl() of a loader in namespace "${space.namespace}"`;
    this.report.warnOnce('seconds', space, `${place} ${secondsWarning(undefined)}`);
  }

  private tainted(key: Key, innerNamespace: string): RefusalReason {
    this.report.event({ type: 'scope-leak', innerNamespace, ...this.report.place(key) });
    const { message } = new ScopeLeakError(key.space.namespace, innerNamespace);
    this.report.warnOnce('scope-leak', key.space, `${message} Until then its results are not stored.`);
    return 'tainted';
  }

  private labels({ key, rules, value, context, loading }: Making): readonly Label[] {
    const found = rules?.tags?.(value) ?? [];
    const { said } = context;
    if (found.length === 0 && said === undefined && loading.innerLabels === undefined) return key.labels;
    const tags = new Set([...key.tags, ...(said ?? [])]);
    const isAll = gatherTags(found, tags) && !context.hasMoreTags;
    const labels = new Set([...this.parts.keyFactory.labelsOf(key.space, [...tags]), ...(loading.innerLabels ?? [])]);
    return fittedLabels([...labels], !isAll);
  }

  private ttlMs(policy: Policy, value: unknown, saidMs: number | undefined, args: readonly unknown[]): number {
    const { maxTtlMs } = this.parts.limits;
    const isFixed = policy.ttlOf === undefined && value !== null;
    const wantedMs =
      saidMs ??
      (isFixed ? policy.ttlMs : ttlForResult(policy, value, args, (ttl) => clampDuration(ttl, 'ttl', maxTtlMs)));
    const ttlMs = wantedMs <= maxTtlMs ? wantedMs : this.bounded(wantedMs);
    return policy.jitter === 0 ? ttlMs : ttlMs * (1 - this.parts.random() * policy.jitter);
  }

  private compose(policy: Policy, value: unknown, labels: readonly Label[], freshForMs: number): Draft {
    // Whole milliseconds: entries of one policy then share one grace, whatever was drawn for their ttl.
    const wholeMs = Math.max(1, Math.floor(freshForMs));
    const keptForMs = wholeMs + graceMs(policy);
    return { value, labels, freshForMs: wholeMs, keptForMs, isolation: policy.isolation, level: policy.level };
  }
}
