/** Calls to a backend that can be slow or away: each with its deadline, its turn at the circuit, and its place behind the queue. */
import { isPending, type Awaitable } from '../../core/async/awaitable.js';
import { CLOSED, UnansweredError } from '../../core/errors.js';
import { CircuitBreaker } from './circuit-breaker.js';
import type { Deadlines } from './deadlines.js';
import type { Journal } from './journal.js';
import { leave, Preparation, type Call } from './preparation.js';
import { LongCalls } from './long-calls.js';
import type { GuardSettings } from './options.js';
import type { OutageLog } from './outage-log.js';
import { partitionOf } from './overflow.js';
import { isBrief, RetryQueue, type Concern } from './retry-queue.js';
import { asUnanswered, isAnswer, reasonOf } from '../shared/refused.error.js';
import type { Invalidation } from '../shared/invalidation.js';
import type { LevelParts } from '../shared/second-level.js';
import type { DueMs, Load } from '../shared/due.js';

/** The server that is called, or what of several one of them keeps. */
export interface Served {
  readonly kind: string;
  /** Resolves when it answers. */
  ping(): Awaitable<unknown>;
  /** Applies an invalidation once more, to what it keeps. */
  resend(invalidation: Invalidation): Awaitable<unknown>;
}

export interface CallsParts extends LevelParts {
  readonly settings: GuardSettings;
  readonly deadlines: Deadlines;
  /** For scans over many entries, which take as long as many calls. */
  readonly longDeadlines: Deadlines;
  readonly journal: Journal;
  /** Warns when the server goes and when it is back. */
  readonly outageLog: OutageLog;
}

export class GuardedCalls {
  readonly outageLog: OutageLog;
  private readonly kind: string;
  private readonly settings: GuardSettings;
  private readonly breaker: CircuitBreaker;
  private readonly deadlines: Deadlines;
  private readonly longDeadlines: Deadlines;
  private readonly queue: RetryQueue;
  private readonly journal: Journal;
  private replaying: Promise<void> | undefined;
  /** Of what goes through many entries, and may take as long as many calls. */
  private walking: Promise<void> | undefined;
  /** Number of servers that have answered: grows when another one takes the place of the last. */
  private serversSeen = 0;
  private cancelProbe: (() => void) | undefined;
  private isClosed = false;
  private isShut = false;
  /** Which no deadline of theirs would end soon. */
  private readonly long: LongCalls;
  private readonly preparation: Preparation;

  constructor(
    private readonly server: Served,
    private readonly parts: CallsParts,
  ) {
    const { settings, deadlines, longDeadlines, journal, outageLog, clock } = parts;
    this.kind = server.kind;
    this.settings = settings;
    this.outageLog = outageLog;
    this.breaker = new CircuitBreaker(clock, settings, () => {
      this.scheduleProbe();
      this.outageLog.suspect();
    });
    this.deadlines = deadlines;
    this.longDeadlines = longDeadlines;
    this.queue = new RetryQueue(settings.maxRetries);
    this.long = new LongCalls(server.kind);
    this.preparation = new Preparation(server.kind, this.breaker, clock, settings.timeoutMs);
    this.journal = journal;
  }

  /** Once the backend answers, what is queued is resent: calls wait for what concerns them. */
  async ping(): Promise<void> {
    await this.guard('ping', () => this.server.ping(), 'probe');
    if (this.queue.size > 0) this.replay().catch(() => this.scheduleProbe());
  }

  /** A connection was made: probes the backend now instead of after the pause. */
  probeNow(): void {
    if (this.breaker.state === 'closed' && this.queue.size === 0 && !this.outageLog.isActive) return;
    this.breaker.endPause();
    this.ping().catch(() => this.scheduleProbe());
  }

  /** Not confirmed, and not to be waited for: sent before anything that it concerns is read again. */
  queueUp(invalidation: Invalidation): void {
    this.queue.add(invalidation);
    this.scheduleProbe();
  }

  /** @param isShut the whole cache is closed, and calls are told so; false: another server goes on with what this one kept */
  close(isShut = true): void {
    this.isClosed = true;
    this.isShut ||= isShut;
    this.cancelProbe?.();
    this.preparation.close(isShut ? CLOSED : 'another server answers');
    this.outageLog.close();
  }

  /**
   * A call with its deadline, if the breaker admits it. One promise for all of it: reads are many. `work` is told when
   * its caller will get an error: by then it may have waited for the queue of invalidations.
   */
  guard<T>(
    operation: string,
    work: (dueMs: DueMs, load: Load) => Awaitable<T>,
    about: Concern,
    deadlines = this.deadlines,
  ): Promise<T> {
    if (this.isShut) return Promise.reject(new UnansweredError(operation, CLOSED, this.kind));
    // Other calls are rejected until the probe is answered, so a call that may take long is not used as one.
    if (deadlines !== this.deadlines && this.breaker.state !== 'closed')
      return this.ping().then(() => this.guard(operation, work, about, deadlines));
    if (!this.breaker.admits()) return Promise.reject(this.unanswered(operation, 'circuit open'));
    return new Promise<T>((resolve, reject) => {
      const { serversSeen } = this;
      const { openings } = this.breaker;
      const waits = this.queue.queued.size > 0 && this.queue.concerns(about);
      const fail = (error: unknown): void => {
        if (isAnswer(error)) this.answers();
        else this.fails(error);
        reject(asUnanswered(operation, error, this.kind));
      };
      const expire = (): void => {
        call.pending = undefined;
        leave(call, false);
        const late = this.unanswered(operation, 'no answer in time');
        // Nothing was asked for this call: what is resent tells by itself whether the backend answers.
        if (waits && this.breaker.state === 'closed' && this.queue.concerns(about)) reject(late);
        else fail(late);
      };
      const call: Call = { operation, deadlines, openings, expire, reject, pending: deadlines.begin(expire) };
      const dueMs = (): number => (call.pending === undefined ? -Infinity : deadlines.dueMsOf(call.pending));
      const load: Load = (ready, bytesOf) => this.preparation.load(call, ready, bytesOf);
      const answered = (answer: T): void => {
        if (call.pending === undefined) return;
        deadlines.end(call.pending);
        call.pending = undefined;
        if (call.leave !== undefined) leave(call, true);
        this.answers();
        // The answer may come from a server that has not applied the last invalidations yet.
        if (serversSeen === this.serversSeen) resolve(answer);
        else reject(this.unanswered(operation, 'another server answers'));
      };
      const failed = (error: unknown): void => {
        if (call.pending === undefined) return;
        deadlines.end(call.pending);
        call.pending = undefined;
        leave(call, isAnswer(error));
        fail(error);
      };
      try {
        const started = waits ? this.afterReplay(operation, () => work(dueMs, load), about, call) : work(dueMs, load);
        if (isPending(started))
          (deadlines === this.deadlines ? started : this.long.untilLost(about, started)).then(answered, failed);
        else answered(started);
      } catch (error) {
        failed(error);
      }
    });
  }

  private unanswered(operation: string, why: string): UnansweredError {
    return new UnansweredError(operation, why, this.kind);
  }

  /** Queued invalidations that concern a call come first, also those added meanwhile: no read may find what they remove. */
  private async afterReplay<T>(operation: string, work: () => Awaitable<T>, about: Concern, call: Call): Promise<T> {
    while (this.queue.concerns(about)) {
      const replay = this.replay();
      const isFree = this.queue.untilFree(about);
      await (isFree === undefined ? replay : Promise.race([replay, isFree]));
    }
    // The caller has got an error meanwhile: the work must not be done after that.
    if (call.pending === undefined) throw this.unanswered(operation, 'too late');
    return work();
  }

  /** Retries an invalidation until it is confirmed or its time is up; then it is queued and the caller gets an error. */
  async untilConfirmed<T>(invalidation: Invalidation, work: () => Awaitable<T>): Promise<T> {
    const deadlines = isBrief(invalidation) ? this.deadlines : this.longDeadlines;
    const untilMs = this.parts.clock.monotonicMs() + this.settings.invalidationMs;
    let pauseMs = 10;
    for (;;) {
      try {
        const answer = await this.guard(invalidation.kind, work, partitionOf(invalidation), deadlines);
        this.journal.record(invalidation);
        return answer;
      } catch (error) {
        if (isAnswer(error)) throw error;
        const isOver =
          this.isClosed || this.breaker.state !== 'closed' || this.parts.clock.monotonicMs() + pauseMs >= untilMs;
        if (isOver) {
          this.queueUp(invalidation);
          throw error;
        }
        await this.parts.clock.sleep(pauseMs);
        pauseMs *= 2;
      }
    }
  }

  /**
   * One replay at a time, shared by all callers. What goes through many entries comes last, and nothing waits for it that it
   * does not concern: neither what is queued meanwhile for other tenants, nor a probe.
   */
  private replay(): Promise<void> {
    this.replaying ??= this.replayOf(false).finally(() => {
      this.replaying = undefined;
    });
    return this.replaying.then(
      () =>
        (this.walking ??= this.replayOf(true).finally(() => {
          this.walking = undefined;
        })),
    );
  }

  private async replayOf(scans: boolean): Promise<void> {
    await this.queue.replay(scans, (invalidation) => this.resend(invalidation));
    // Another server answers since, and no call may come that would have it told.
    if (scans && this.queue.size > 0) this.scheduleProbe();
  }

  /** An invalidation that the server refuses is dropped: its caller got an error, and a resend would be refused again. */
  private async resend(invalidation: Invalidation): Promise<void> {
    const deadlines = isBrief(invalidation) ? this.deadlines : this.longDeadlines;
    const resent = (async () => this.server.resend(invalidation))();
    const sent = isBrief(invalidation) ? resent : this.long.untilLost(partitionOf(invalidation), resent);
    try {
      await deadlines.limit(
        sent.then(() => this.parts.onResent?.(invalidation)),
        () => new UnansweredError('replay', 'no answer in time', this.kind),
      );
      this.answers();
      this.journal.record(invalidation);
    } catch (error) {
      if (!isAnswer(error)) {
        this.fails(error);
        throw error;
      }
      const message = `The ${this.kind} backend refuses an invalidation that was not confirmed before; it is given up.`;
      this.parts.emit.event({ type: 'warning', message });
    }
  }

  private answers(): void {
    this.breaker.succeeded();
    if (this.outageLog.isActive) this.outageLog.end();
  }

  private fails(error: unknown): void {
    this.outageLog.failed(reasonOf(error));
    this.breaker.failed();
  }

  /**
   * The connection has ended: no answer comes to the long calls that were sent on it. The client of a cluster would go on
   * asking on one new connection after another; a late answer of those resolves no call.
   */
  lose(concerns?: (about: Concern) => boolean): void {
    this.long.lose(concerns);
  }

  /** Another server answers now, and it may have lost the last invalidations: they are replayed (guarantee G7). */
  meetAnother(confirmed: readonly Invalidation[]): void {
    this.serversSeen++;
    this.queue.requeue(confirmed);
  }

  /**
   * What is not confirmed, for the servers that keep now what it means. A replay under way confirms none of it any more,
   * and calls that were waiting for it are not answered.
   */
  handOver(): readonly Invalidation[] {
    if (this.queue.size > 0) this.serversSeen++;
    return this.queue.takeAll();
  }

  /** Whether something that was not confirmed concerns this partition, or any. */
  owes(about: Concern): boolean {
    return this.queue.concerns(about);
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
