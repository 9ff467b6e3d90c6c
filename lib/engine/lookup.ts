import { isPending, type Awaitable } from '../core/async/awaitable.js';
import type { AtHand, EntryAtHand, Reading } from '../core/backend.js';
import type { Entry } from '../core/entry.js';
import { BackendError } from '../core/errors.js';
import type { Frame, Loading } from '../core/frame.js';
import type { Key } from '../core/keys/key.js';
import type { Space } from '../core/keys/space.js';
import type { Policy } from '../core/policy.js';
import { judge, type Verdict } from '../core/verdict.js';
import type { PendingFills } from './bounds/pending-fills.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import type { LoadTimes } from './load-times.js';
import type { Report } from './report.js';

/** What a glance tells of anything but a fresh entry at hand: the call has to be made. */
export const NOT_AT_HAND: unique symbol = Symbol('not at hand');

/** Reads and judges. The only caller of `backend.read` and `atHand.glance`, and the only place that looks at identities. */
export class Lookup {
  /** Of the backend that is asked, and of no other that it is made of. */
  readonly atHand: AtHand | undefined;

  constructor(
    private readonly parts: EngineParts,
    private readonly report: Report,
    private readonly loadTimes: LoadTimes,
    private readonly fills: PendingFills,
  ) {
    const { backend } = parts;
    this.atHand = backend.atHand?.of === backend ? backend.atHand : undefined;
  }

  /** What the entry of a reading is worth; `gone` when there is none. */
  judge({ entry, required }: Reading, key: Key, policy: Policy): Verdict {
    if (entry === undefined) return 'gone';
    const early =
      policy.earlyRefresh === 0
        ? undefined
        : { loadMs: this.loadTimes.of(key.space.namespace), draw: 1 - this.parts.random() };
    const verdict = judge(entry, required, key, this.parts.clock.monotonicMs(), policy, early);
    if (verdict === 'gone' && !entry.isOf(key)) this.tellForeign(key);
    return verdict;
  }

  /**
   * The value of a fresh entry that is at hand in this process, counted and told, for a call that is not made for it: no key,
   * no reading. Two thirds of what a hit in memory cost went into making it. Whatever else there is to do about an entry (a
   * stale, foreign or missing one, a refresh) is left to the call.
   */
  glance(space: Space, text: string, policy: Policy, frame: Frame | undefined): unknown {
    // A load notes what is read in it, and what it reads has to have been checked since it began.
    if (frame?.loading !== undefined || policy.earlyRefresh !== 0 || policy.level === 'l2') return NOT_AT_HAND;
    let entry: EntryAtHand | undefined;
    try {
      entry = this.atHand?.glance(space, text);
    } catch {
      // The call reads as it would without a glance, and what fails there is met by its loader.
    }
    if (entry === undefined) return NOT_AT_HAND;
    const verdict = judge(entry, entry.required, { space, text }, this.parts.clock.monotonicMs(), policy);
    if (verdict !== 'fresh') return NOT_AT_HAND;
    space.stats.hit();
    if (this.report.emit.isHeard) this.report.hit(space, text, verdict, entry.level, 0);
    return entry.value;
  }

  /** The entry of a reading, unless it is gone. */
  usable(reading: Reading, key: Key, policy: Policy): Entry | undefined {
    return this.judge(reading, key, policy) === 'gone' ? undefined : reading.entry;
  }

  /** A reading with a fresh entry for verbs without a loader; a failing backend counts as nothing there, unless the policy wants to know. */
  fresh(key: Key, policy: Policy, inside: Loading | undefined): Awaitable<Reading | undefined> {
    const filling = this.fills.of(key);
    if (filling !== undefined) return filling.then(() => this.readFresh(key, policy, inside));
    return this.readFresh(key, policy, inside);
  }

  private readFresh(key: Key, policy: Policy, inside: Loading | undefined): Awaitable<Reading | undefined> {
    let reading: Awaitable<Reading>;
    try {
      reading = this.parts.backend.read(key, inside?.handling(policy, key.space) ?? policy);
    } catch (error) {
      return this.outage(key, policy, error);
    }
    if (!isPending(reading)) return this.ifFresh(reading, key, policy);
    return reading.then(
      (answer) => this.ifFresh(answer, key, policy),
      (error: unknown) => this.outage(key, policy, error),
    );
  }

  freshOf(reading: Reading, key: Key, policy: Policy): Entry | undefined {
    const verdict = this.judge(reading, key, policy);
    return verdict === 'fresh' || verdict === 'aging' ? reading.entry : undefined;
  }

  /** Counts and tells a served entry, and hands its value out. */
  serve(key: Key, entry: Entry, verdict: Verdict, reading: Reading | undefined, startedAtMs: number): unknown {
    if (verdict === 'fresh' || verdict === 'aging') key.space.stats.hit();
    else key.space.stats.count('stale');
    if (this.report.emit.isHeard) {
      const durationMs = this.parts.clock.monotonicMs() - startedAtMs;
      this.report.hit(key.space, key.text, verdict, (reading ?? entry).level, durationMs);
    }
    return entry.value;
  }

  /** When the caller's clock starts: only events need it. */
  startedAtMs(): number {
    return this.report.emit.isHeard ? this.parts.clock.monotonicMs() : 0;
  }

  private ifFresh(reading: Reading, key: Key, policy: Policy): Reading | undefined {
    return this.freshOf(reading, key, policy) === undefined ? undefined : reading;
  }

  /** Throws for policies that want to know, or says that there is nothing. */
  private outage(key: Key, policy: Policy, error: unknown): undefined {
    const failure = this.report.failure(key.space, 'read', this.parts.backend.kind, error);
    this.report.bypass(key, 'backend');
    if (policy.failSilently === false)
      throw failure instanceof BackendError
        ? failure
        : new BackendError('read', this.parts.backend.kind, { cause: error });
    return undefined;
  }

  /**
   * The value under this id says that it belongs to another. Replies out of order, a wrong slot, a copied key: whatever
   * it was, the value is not ours to show.
   */
  private tellForeign(key: Key): void {
    key.space.stats.count('errors');
    this.report.event({ type: 'identity-mismatch', ...this.report.place(key) });
  }
}

/** The frame-keeping that every read inside a loader owes: taint, tags and the end of what was read. */
export function inheritInto(call: Pick<Call, 'frame' | 'key'>, entry: Pick<Entry, 'labels' | 'freshUntilMs'>): void {
  call.frame?.loading?.inherit(call.key.space, entry.labels, entry.freshUntilMs);
}

/** An error says something of what was read before it, too: a loader that catches it may store what it makes of that. */
export function inheritFailureInto(call: Pick<Call, 'frame' | 'key'>, failed: Loading): void {
  if (call.frame?.loading === undefined) return;
  inheritInto(call, {
    labels: [...call.key.labels, ...(failed.innerLabels ?? [])],
    freshUntilMs: failed.innerFreshUntilMs,
  });
}
