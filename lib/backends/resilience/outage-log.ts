/**
 * Reports outages of a backend, as warnings and as events of their own: one line when it goes, with the reason, and one
 * when it is back, however many calls fail in between and however often it is probed. A failure while other calls are
 * answered is no outage: each kind of it is reported once in a while. Of several connections to a server that dies the first may be lost before the last
 * answer of another is read, so a failure is deferred until it is clear that it was not how an outage began.
 */
import type { Clock } from '../../core/clock.js';
import type { Emit } from '../../core/observer.js';
import { Warnings } from '../shared/warnings.js';

/** Calls fail sooner than a connection has the reason: so long a warning waits for it. */
const SETTLE_MS = 500;
/** Another reason is reported as well after so long, but not the steps in which a server comes back. */
const REPEAT_AFTER_MS = 30_000;
const UNKNOWN = 'not connected';

/** One of several servers, for messages. */
export interface OneOfSeveral {
  readonly name: string;
  /** Of all of them together: what is told there is not told of each. */
  readonly whole: OutageLog;
}

export class OutageLog {
  private readonly warnings: Warnings;
  /** The reason of the last failure. */
  private lastFailure: string | undefined;
  /** Failures while other calls were answered, not reported yet. */
  private readonly deferred = new Set<string>();
  private cancelDeferred: (() => void) | undefined;
  /** The reason of the outage as reported; undefined: no outage is reported. */
  private reported: string | undefined;
  private reportedAtMs = -Infinity;
  /** Why and since when, as its event told; undefined: there is none. */
  private outage: { readonly why: string; readonly sinceMs: number } | undefined;
  private cancelSuspicion: (() => void) | undefined;
  private suspectedAtMs: number | undefined;
  private isClosed = false;

  constructor(
    private readonly kind: string,
    private readonly parts: { readonly clock: Clock; readonly emit: Emit },
    private readonly one?: OneOfSeveral,
    /** Where the only server is, or all of them. */
    private readonly address?: string,
  ) {
    this.warnings = new Warnings(kind, parts);
  }

  /** An outage or failure was reported, or may be about to be. */
  get isActive(): boolean {
    return this.lastFailure !== undefined || this.reported !== undefined || this.one?.whole.isActive === true;
  }

  /** A call or a connection failed. Whether it was an outage shows when one begins, or when another call is answered. */
  failed(why: string): void {
    if (this.reported === undefined) this.lastFailure = why;
  }

  /** The circuit has opened: calls are failing. */
  suspect(): void {
    if (this.reported !== undefined || this.isClosed) return;
    this.dropDeferred();
    // The outage is as old as the first sign of it.
    if (this.cancelSuspicion === undefined) this.suspectedAtMs = this.parts.clock.monotonicMs();
    this.cancelSuspicion ??= this.parts.clock.after(SETTLE_MS, () => this.begin(this.lastFailure ?? UNKNOWN));
  }

  /** The backend does not answer. */
  begin(why: string): void {
    this.cancelSuspicion?.();
    this.cancelSuspicion = undefined;
    this.dropDeferred();
    const nowMs = this.parts.clock.monotonicMs();
    if (this.one !== undefined && this.one.whole.reported !== undefined) return;
    const isNew =
      this.reported === undefined || (this.reported !== why && nowMs - this.reportedAtMs >= REPEAT_AFTER_MS);
    if (!isNew) return;
    this.reported = why;
    this.reportedAtMs = nowMs;
    if (this.outage === undefined && !this.isClosed) {
      this.outage = { why, sinceMs: this.suspectedAtMs ?? nowMs };
      this.tell('begun', why, undefined);
    }
    const whose = this.one === undefined ? 'calls' : 'calls for what it keeps';
    this.warn(`does not answer (${why}): ${whose} go on without the cache until it does.`);
  }

  /** The backend answers. */
  end(): void {
    this.one?.whole.end();
    const { lastFailure } = this;
    if (this.cancelSuspicion !== undefined) this.begin(lastFailure ?? UNKNOWN);
    this.lastFailure = undefined;
    if (this.reported !== undefined) {
      this.warn('answers again.');
      this.over();
    } else if (lastFailure !== undefined) this.defer(lastFailure);
    this.reported = undefined;
    this.suspectedAtMs = undefined;
  }

  /** Nothing is asked of it any more, so it will not be said that it answers again. */
  leave(): void {
    this.cancelSuspicion?.();
    this.cancelSuspicion = undefined;
    if (this.reported !== undefined) this.warn('keeps nothing any more: others answer for what it kept.');
    this.over();
    this.reported = undefined;
  }

  close(): void {
    this.isClosed = true;
    this.dropDeferred();
    this.cancelSuspicion?.();
  }

  private defer(failure: string): void {
    this.deferred.add(failure);
    this.cancelDeferred ??= this.parts.clock.after(SETTLE_MS, () => {
      for (const failure of this.deferred) this.warnings.warn(failure);
      this.dropDeferred();
    });
  }

  private dropDeferred(): void {
    this.cancelDeferred?.();
    this.cancelDeferred = undefined;
    this.deferred.clear();
  }

  private over(): void {
    const { outage } = this;
    if (outage === undefined) return;
    this.outage = undefined;
    // What is closed says nothing more, in the log or by events.
    if (this.isClosed) return;
    this.tell('over', outage.why, this.parts.clock.monotonicMs() - outage.sinceMs);
  }

  private tell(state: 'begun' | 'over', why: string, durationMs: number | undefined): void {
    this.parts.emit.event({ type: 'outage', backend: this.kind, server: this.one?.name, state, why, durationMs });
  }

  private warn(what: string): void {
    const place = this.one?.name ?? this.address;
    const at = place === undefined ? '' : ` at ${place}`;
    if (!this.isClosed) this.parts.emit.event({ type: 'warning', message: `The ${this.kind} backend${at} ${what}` });
  }
}
