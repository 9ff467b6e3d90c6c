/**
 * A decorator for a backend that can be slow or away: a deadline on every call, a circuit breaker, and a queue for
 * invalidations that were not confirmed. With it a failing backend costs reads at most one deadline, and nothing while
 * the circuit is open (guarantee G9); invalidations are retried, and fail when their outcome stays unknown (G8).
 */
import { isPending, type Awaitable } from '../../core/async/awaitable.js';
import type {
  Backend,
  BackendInfo,
  FillOutcome,
  Lease,
  LeaseReply,
  LeaseRequest,
  Page,
  Reading,
  Selection,
  Usage,
} from '../../core/backend.js';
import type { Draft } from '../../core/entry.js';
import { UnansweredError } from '../../core/errors.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import type { View } from '../../core/keys/space.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { Deadlines, type Pending } from './deadlines.js';
import { MANY, PORTION, type GuardSettings, type Punctual } from './options.js';
import { leaseInTime, releaseAnyway } from './guarded-leases.js';
import { Journal } from './journal.js';
import { inPortions } from '../shared/batches.js';
import { openOrClose } from '../shared/open-close.js';
import { OutageLog } from './outage-log.js';
import { asUnanswered, isAnswer, reasonOf } from '../shared/refused.error.js';
import { isBrief, resend, RetryQueue, type Resending } from './retry-queue.js';
import type { Invalidation } from '../shared/invalidation.js';
import type { LevelParts } from '../shared/second-level.js';

export class GuardedBackend implements Backend {
  static {
    hideFromLogs(this.prototype, 'GuardedBackend');
  }

  readonly kind: string;
  /** Warns when the backend goes and when it is back. */
  readonly outageLog: OutageLog;
  private readonly breaker: CircuitBreaker;
  private readonly deadlines: Deadlines;
  /** For scans over many entries, which take as long as many calls. */
  private readonly longDeadlines: Deadlines;
  private readonly queue: RetryQueue;
  private readonly journal: Journal;
  private replaying: Promise<void> | undefined;
  /** Number of servers that have answered: grows when another one takes the place of the last. */
  private serversSeen = 0;
  private notifyReborn: (() => void) | undefined;
  private cancelProbe: (() => void) | undefined;
  private isClosed = false;

  constructor(
    private readonly inner: Backend & Resending & Punctual,
    private readonly settings: GuardSettings,
    private readonly parts: LevelParts,
  ) {
    this.kind = inner.kind;
    this.outageLog = new OutageLog(inner.kind, parts);
    this.breaker = new CircuitBreaker(parts.clock, settings, () => {
      this.scheduleProbe();
      this.outageLog.suspect();
    });
    this.deadlines = new Deadlines(parts.clock, settings.timeoutMs);
    this.longDeadlines = new Deadlines(parts.clock, settings.longTimeoutMs);
    this.queue = new RetryQueue(settings.maxRetries);
    this.journal = new Journal(parts.clock, settings.journalMs, settings.maxRetries);
    inner.onReborn?.(() => this.replayJournal());
  }

  read(key: Key): Promise<Reading> {
    return this.guard('read', () => this.inner.read(key));
  }

  readMany(keys: readonly Key[]): Promise<readonly Reading[]> {
    return inPortions(keys, PORTION, (some) => this.guard('readMany', () => this.inner.readMany(some)));
  }

  lease(key: Key, request: LeaseRequest): Promise<LeaseReply> {
    return leaseInTime(this, this.inner, key, request);
  }

  renew(lease: Lease, leaseMs: number): Promise<boolean> {
    return this.guard('renew', () => this.inner.renew(lease, leaseMs));
  }

  release(lease: Lease): Promise<void> {
    return releaseAnyway(this, this.inner, lease);
  }

  fill(lease: Lease, draft: Draft): Promise<FillOutcome> {
    return this.guard('fill', () => this.inner.fill(lease, draft));
  }

  write(key: Key, draft: Draft): Promise<void> {
    return this.guard('write', (dueMs) => this.inner.write(key, draft, dueMs));
  }

  writeMany(entries: readonly (readonly [Key, Draft])[]): Promise<void> {
    const deadlines = entries.length > MANY ? this.longDeadlines : this.deadlines;
    return this.guard('writeMany', (dueMs) => this.inner.writeMany(entries, dueMs), deadlines);
  }

  expire(key: Key, freshForMs: number, keptForMs: number): Promise<boolean> {
    return this.guard('expire', () => this.inner.expire(key, freshForMs, keptForMs));
  }

  increment(key: Key, by: number, draft: Omit<Draft, 'value'>): Promise<number> {
    return this.guard('increment', () => this.inner.increment(key, by, draft));
  }

  evict(keys: readonly Key[]): Promise<number> {
    return this.untilConfirmed({ kind: 'evict', keys }, () => this.inner.evict(keys));
  }

  invalidate(partition: Partition, labels: readonly Label[]): Promise<void> {
    return this.untilConfirmed({ kind: 'invalidate', partition, labels }, () =>
      this.inner.invalidate(partition, labels),
    );
  }

  clear(view: View): Promise<number> {
    return this.untilConfirmed({ kind: 'clear', view }, () => this.inner.clear(view));
  }

  removeMatching(selection: Selection): Promise<number> {
    return this.untilConfirmed({ kind: 'matching', selection }, () => this.inner.removeMatching(selection));
  }

  clearEverything(): Promise<number> {
    return this.untilConfirmed({ kind: 'everything' }, () => this.inner.clearEverything());
  }

  scan(selection: Selection, cursor: string | undefined): Promise<Page> {
    return this.guard('scan', () => this.inner.scan(selection, cursor), this.longDeadlines);
  }

  usage(view: View | undefined): Promise<Usage> {
    return this.guard('usage', () => this.inner.usage(view), this.longDeadlines);
  }

  info(): Promise<BackendInfo> {
    return this.guard('info', () => this.inner.info());
  }

  ping(): Promise<void> {
    return this.guard('ping', () => this.inner.ping());
  }

  async open(): Promise<void> {
    await openOrClose(this.inner, this);
  }

  onReborn(listener: () => void): void {
    this.notifyReborn = listener;
  }

  /** A connection was made: probes the backend now instead of after the pause. */
  probeNow(): void {
    if (this.breaker.state === 'closed' && this.queue.size === 0 && !this.outageLog.isActive) return;
    this.breaker.endPause();
    this.ping().catch(() => this.scheduleProbe());
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.cancelProbe?.();
    this.outageLog.close();
    for (const deadlines of [this.deadlines, this.longDeadlines]) deadlines.close();
    await this.inner.close();
  }

  /**
   * A call with its deadline, if the breaker admits it. One promise for all of it: reads are many. `work` gets the time at
   * which its caller will get an error: by then it may have waited for the queue of invalidations.
   */
  guard<T>(operation: string, work: (dueMs: number) => Awaitable<T>, deadlines = this.deadlines): Promise<T> {
    // Other calls are rejected until the probe is answered, so a call that may take long is not used as one.
    if (deadlines !== this.deadlines && this.breaker.state !== 'closed')
      return this.ping().then(() => this.guard(operation, work, deadlines));
    if (!this.breaker.admits()) return Promise.reject(new UnansweredError(operation, 'circuit open', this.kind));
    return new Promise<T>((resolve, reject) => {
      const serversBefore = this.serversSeen;
      const fail = (error: unknown): void => {
        if (isAnswer(error)) {
          this.breaker.succeeded();
          if (this.outageLog.isActive) this.outageLog.end();
        } else {
          this.outageLog.failed(reasonOf(error));
          this.breaker.failed();
        }
        reject(asUnanswered(operation, error, this.kind));
      };
      const pending = deadlines.begin(() => fail(new UnansweredError(operation, 'no answer in time', this.kind)));
      const answered = (answer: T): void => {
        if (!deadlines.end(pending)) return;
        this.breaker.succeeded();
        if (this.outageLog.isActive) this.outageLog.end();
        // The answer may come from a server that has not applied the last invalidations yet.
        if (serversBefore === this.serversSeen) resolve(answer);
        else reject(new UnansweredError(operation, 'another server answers', this.kind));
      };
      const failed = (error: unknown): void => {
        if (deadlines.end(pending)) fail(error);
      };
      try {
        const started = this.queue.queued.size === 0 ? work(pending.dueMs) : this.afterReplay(operation, work, pending);
        if (isPending(started)) started.then(answered, failed);
        else answered(started);
      } catch (error) {
        failed(error);
      }
    });
  }

  /** Queued invalidations are applied first, also those added meanwhile: no read may find what they remove. */
  private async afterReplay<T>(operation: string, work: (dueMs: number) => Awaitable<T>, pending: Pending): Promise<T> {
    while (this.queue.size > 0) await this.replay();
    // The caller has got an error meanwhile: the work must not be done after that.
    if (pending.expire === undefined) throw new UnansweredError(operation, 'too late', this.kind);
    return work(pending.dueMs);
  }

  /** Retries an invalidation until it is confirmed or its time is up; then it is queued and the caller gets an error. */
  private async untilConfirmed<T>(invalidation: Invalidation, work: () => Awaitable<T>): Promise<T> {
    const deadlines = isBrief(invalidation) ? this.deadlines : this.longDeadlines;
    const untilMs = this.parts.clock.monotonicMs() + this.settings.invalidationMs;
    let pauseMs = 10;
    for (;;) {
      try {
        const answer = await this.guard(invalidation.kind, work, deadlines);
        this.journal.record(invalidation);
        return answer;
      } catch (error) {
        if (isAnswer(error)) throw error;
        const isOver =
          this.isClosed || this.breaker.state !== 'closed' || this.parts.clock.monotonicMs() + pauseMs >= untilMs;
        if (isOver) {
          this.queue.add(invalidation);
          this.scheduleProbe();
          throw error;
        }
        await this.parts.clock.sleep(pauseMs);
        pauseMs *= 2;
      }
    }
  }

  /** One replay at a time, shared by all callers. An invalidation that the server refuses is dropped: its caller got an error, and a resend would be refused again. */
  private replay(): Promise<void> {
    this.replaying ??= this.queue
      .replay((invalidation) =>
        (isBrief(invalidation) ? this.deadlines : this.longDeadlines)
          .limit(
            (async () => resend(this.inner, invalidation))().then(() => this.parts.onResent?.(invalidation)),
            () => new UnansweredError('replay', 'no answer in time', this.kind),
          )
          .then(() => this.journal.record(invalidation))
          .catch((error: unknown) => {
            if (!isAnswer(error)) throw error;
            const message = `The ${this.kind} backend refuses an invalidation that was not confirmed before; it is given up.`;
            this.parts.emit.event({ type: 'warning', message });
          }),
      )
      .finally(() => {
        this.replaying = undefined;
      });
    return this.replaying;
  }

  /** Another server answers now, and it may have lost the last invalidations: they are replayed (guarantee G7). */
  private replayJournal(): void {
    this.serversSeen++;
    this.queue.requeue(this.journal.recent());
    this.notifyReborn?.();
    this.probeNow();
  }

  /** Probes even if there are no reads: queued invalidations wait for the server. */
  private scheduleProbe(): void {
    if (this.isClosed || this.cancelProbe !== undefined) return;
    this.cancelProbe = this.parts.clock.after(this.settings.pauseMs, () => {
      this.cancelProbe = undefined;
      this.ping().catch(() => this.scheduleProbe());
    });
  }
}
