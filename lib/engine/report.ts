import { machineOf, type Clock } from '../core/clock.js';
import { CacheError, BackendError } from '../core/errors.js';
import type { Level } from '../core/entry.js';
import type { Key } from '../core/keys/key.js';
import { digestOf } from '../core/keys/key-digest.js';
import {
  placeOf,
  type BypassReason,
  type Emit,
  type EmitHits,
  type EventPlace,
  type RefusalReason,
} from '../core/observer.js';
import type { Partition } from '../core/keys/partition.js';
import type { Space } from '../core/keys/space.js';
import type { Verdict } from '../core/verdict.js';
import type { Attempt } from './attempt.js';
import type { Call } from './call.js';
import { FairShare } from './bounds/fair-share.js';
import { HitEvent } from '../core/hit-event.js';
import type { LoadTimes } from './load-times.js';

/** Warnings that are remembered, and for how long at least where there are more. */
const MAX_WARNINGS = 1_000;
const WARNED_ANEW_MS = 3_600_000;

/** Counts and tells. Counting is a number on the space; telling happens only where an observer or a log listens. */
export class Report {
  /** Namespaces that were warned about already, so that each mistake is named once and not per call. */
  private readonly warned = new Set<string>();
  /** Namespaces can be made up: one tenant's do not silence what has to be said of another's. */
  private readonly warnings = new FairShare<Partition>(MAX_WARNINGS);
  private warnedSinceMs: number;
  /** Waiting for others is measured by the clock of the machine. */
  private readonly machine: Clock;

  constructor(
    readonly emit: EmitHits,
    private readonly clock: Clock,
    private readonly loadTimes: LoadTimes,
  ) {
    this.warnedSinceMs = clock.monotonicMs();
    this.machine = machineOf(clock);
  }

  event: Emit['event'] = (event) => this.emit.event(event);

  /** The time by which durations are measured. */
  nowMs(): number {
    return this.machine.monotonicMs();
  }

  place(key: Key): EventPlace {
    return placeOf(key.space, digestOf(key.id));
  }

  /** A served entry. For callers that have asked whether it is heard. */
  hit(space: Space, text: string, verdict: Verdict, level: Level, durationMs: number): void {
    this.emit.hit(new HitEvent(space, text, verdict, level, durationMs));
  }

  miss(key: Key, durationMs: number): void {
    key.space.stats.count('misses');
    if (this.emit.isHeard) this.emit.event({ type: 'miss', durationMs, ...this.place(key) });
  }

  /** A call that is not served from what is stored: a miss, one that shared a load, or one that left the cache out. */
  unserved({ call: { key }, countedAs, startedAtMs }: Attempt): void {
    if (countedAs !== 'miss' && countedAs !== 'coalesced') return this.bypass(key, countedAs);
    if (countedAs === 'miss') key.space.stats.count('misses');
    else key.space.stats.count('coalesced');
    if (!this.emit.isHeard) return;
    const durationMs = this.machine.monotonicMs() - startedAtMs;
    this.emit.event({ type: countedAs, durationMs, ...this.place(key) });
  }

  bypass(key: Key, reason: BypassReason): void {
    key.space.stats.count('bypasses');
    if (this.emit.isHeard) this.emit.event({ type: 'bypass', reason, ...this.place(key) });
  }

  refused(key: Key, reason: RefusalReason): void {
    key.space.stats.count('refused');
    if (this.emit.isHeard) this.emit.event({ type: 'refused', reason, ...this.place(key) });
  }

  /** A loader that has ended. */
  loaded(
    { key, policy }: Pick<Call, 'key' | 'policy'>,
    outcome: 'ok' | 'failed' | 'timed-out',
    startedAtMs: number,
    isBackground: boolean,
  ): void {
    const durationMs = this.clock.monotonicMs() - startedAtMs;
    if (policy.earlyRefresh !== 0) this.loadTimes.note(key.space.namespace, durationMs);
    if (this.emit.isHeard) this.emit.event({ type: 'load', outcome, durationMs, isBackground, ...this.place(key) });
  }

  /** A failure that the caller does not see. Returns it as one of ours. */
  failure(space: Space, operation: string, backend: string, cause: unknown): CacheError {
    space.stats.count('errors');
    const error = cause instanceof CacheError ? cause : new BackendError(operation, backend, { cause });
    this.emit.event({ type: 'error', operation, error, ...placeOf(space) });
    return error;
  }

  /** A failure of the application's own code that no caller sees: a refresh, a rule about results. */
  foreign(space: Space, operation: string, cause: unknown): void {
    space.stats.count('errors');
    const error = cause instanceof Error ? cause : new Error('Something that is not an Error was thrown.', { cause });
    this.emit.event({ type: 'error', operation, error, ...placeOf(space) });
  }

  /** Says something once for each namespace and topic. */
  warnOnce(topic: string, { namespace, partition }: Space, message: string): void {
    const mark = `${topic}/${namespace}`;
    if (this.warned.has(mark) || !(this.warnings.admits(partition) || this.warnAnew())) return;
    this.warned.add(mark);
    this.warnings.enter(partition);
    this.emit.event({ type: 'warning', message });
  }

  /** So much was said that some is not: after an hour all of it may be said again. */
  private warnAnew(): boolean {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.warnedSinceMs < WARNED_ANEW_MS) return false;
    this.warnedSinceMs = nowMs;
    this.warned.clear();
    this.warnings.clear();
    return true;
  }
}
