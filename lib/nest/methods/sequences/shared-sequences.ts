import { Observable, type Subscriber } from 'rxjs';
import { isPending, type Awaitable } from '../../../core/async/awaitable.js';
import type { RunInContext } from '../../../core/async/begun.js';
import { DEFAULT_WAIT_MS } from '../../../core/limits.js';
import type { Policy } from '../../../core/policy.js';
import type { LoaderContext } from '../../../engine/loader.js';
import type { CacheParts } from '../../cache/scoped-cache.parts.js';
import { Sequence, Unfinished, type Listener, type SequenceBounds, type GiveUpReason } from './sequence.js';

/** By what the policy of the method says, else by the limits of the cache. */
export function sequenceBounds(
  { foundation }: CacheParts,
  policy: Policy,
): SequenceBounds & { readonly maxWaitMs: number } {
  const { clock, copier, coreSettings } = foundation;
  const { limits } = coreSettings;
  const maxWaitMs = policy.maxWaitMs ?? limits.maxWaitMs ?? DEFAULT_WAIT_MS;
  return { clock, copier, maxBytes: limits.maxValueBytes, maxMs: policy.maxLoadMs ?? limits.maxLoadMs, maxWaitMs };
}

/** What is said of a method when nothing is stored. */
export const GIVE_UP_WARNINGS: Readonly<Record<GiveUpReason, string>> = Object.freeze({
  left: 'returned an Observable that had not ended when its last subscriber left, so nothing was stored; only what ends can be cached',
  large: 'returned an Observable that grew beyond limits.maxValueBytes before its end, so nothing was stored',
  late: 'returned an Observable that had not ended after maxLoad, so nothing was stored; only what ends can be cached',
});

/** So many entries of a method are remembered for having taken too long. */
const MAX_LATE = 1_000;

/** Loads the whole sequence: what the engine runs when nothing is stored. */
export type Lead = (context: Pick<LoaderContext, 'previous'>) => Promise<unknown[]>;

/** One subscription to a cached method. */
export interface SequenceCall {
  readonly id: string;
  source(): Observable<unknown>;
  /** All of it, from what is stored or by a load, this one or another caller's. */
  begin(lead: Lead): Awaitable<unknown>;
  /** A run of its own, without the cache. */
  alone(): Observable<unknown>;
  /** Keeps the context of the subscriber. */
  held(): RunInContext;
}

/** A subscriber, in its own context. */
export class SequenceSubscription implements Listener {
  /** What it has led, or is leading. */
  sequence: Sequence | undefined;
  /** Values have come to it while its sequence was under way. */
  hasHeard = false;
  isLeft = false;

  constructor(
    readonly subscriber: Subscriber<unknown>,
    readonly inContext: RunInContext,
  ) {}

  next(value: unknown): void {
    this.hasHeard = true;
    this.inContext(() => this.subscriber.next(value));
  }

  error(error: unknown): void {
    this.inContext(() => this.subscriber.error(error));
  }

  complete(): void {
    this.inContext(() => this.subscriber.complete());
  }

  /** The whole sequence, as far as it has not been heard. */
  play(values: readonly unknown[]): void {
    if (!this.hasHeard) {
      this.inContext(() => {
        for (const value of values) if (!this.subscriber.closed) this.subscriber.next(value);
      });
    }
    this.complete();
  }
}

/** All that wait for one entry, and what runs for them. When the last one leaves, so do the runs. */
class SubscriptionGroup {
  readonly subscriptions = new Set<SequenceSubscription>();
  readonly sequences = new Set<Sequence>();
  readonly waiting = new Map<SequenceSubscription, () => void>();

  get isStreaming(): boolean {
    return [...this.sequences].some((sequence) => sequence.isStreaming);
  }
}

/**
 * The sequences of one method in one cache that are under way. The one that leads a load hears values as they come;
 * others wait for all of it, though not for ever: an Observable may have no end.
 */
export class SharedSequences {
  private readonly groups = new Map<string, SubscriptionGroup>();
  /** Ids of entries whose last sequence took too long: no caller waits for the next one. The oldest are forgotten. */
  private readonly late = new Set<string>();

  constructor(
    private readonly bounds: SequenceBounds & { readonly maxWaitMs: number },
    private readonly tell: (why: GiveUpReason) => void,
  ) {}

  answer(call: SequenceCall): Observable<unknown> {
    return new Observable((subscriber) => {
      const group = this.groups.get(call.id) ?? new SubscriptionGroup();
      this.groups.set(call.id, group);
      const subscription = new SequenceSubscription(subscriber, call.held());
      group.subscriptions.add(subscription);
      subscriber.add(() => this.leave(call.id, group, subscription));
      const alone = (): void => {
        this.leave(call.id, group, subscription);
        subscriber.add(subscription.inContext(() => call.alone().subscribe(subscriber)));
      };
      let answer: Awaitable<unknown>;
      try {
        answer = call.begin((context) => this.lead(call, group, subscription, context.previous === undefined));
      } catch (error) {
        subscription.error(error);
        return;
      }
      if (isPending(answer)) this.limitWait(call.id, group, subscription, alone);
      Promise.resolve(answer).then(
        (values) => {
          if (subscription.isLeft) return;
          // Answered with an old value: what runs is a reload, which goes on in the background.
          if (!subscription.hasHeard && subscription.sequence !== undefined)
            group.sequences.delete(subscription.sequence);
          subscription.play(values as unknown[]);
        },
        (error: unknown) => {
          if (subscription.isLeft) return;
          if (!(error instanceof Unfinished)) subscription.error(error);
          // What it has heard goes on by itself.
          else if (!subscription.hasHeard) alone();
        },
      );
    });
  }

  private lead(
    { id, source }: SequenceCall,
    group: SubscriptionGroup,
    subscription: SequenceSubscription,
    hasNoPrevious: boolean,
  ): Promise<unknown[]> {
    // Where an old value may stand in for a failure or for slowness, nothing is heard of the new one before its end.
    const listener =
      subscription.isLeft || !hasNoPrevious || subscription.sequence !== undefined ? undefined : subscription;
    const sequence = new Sequence(this.bounds, listener, {
      streams: () => this.releaseWaiting(group),
      givenUp: (why) => this.givenUp(id, why, sequence),
    });
    // A reload in the background has no subscriber that could leave.
    if (!subscription.isLeft) {
      subscription.sequence = sequence;
      group.sequences.add(sequence);
    }
    const end = (): void => void group.sequences.delete(sequence);
    sequence.whole.then(() => {
      end();
      this.late.delete(id);
    }, end);
    sequence.start(source);
    return sequence.whole;
  }

  private givenUp(id: string, why: GiveUpReason, sequence: Sequence): void {
    if (why === 'late') this.noteLate(id);
    // A sequence that no subscriber had heard of may have ended at any moment.
    if (why !== 'left' || sequence.isStreaming) this.tell(why);
  }

  private noteLate(id: string): void {
    this.late.delete(id);
    this.late.add(id);
    if (this.late.size <= MAX_LATE) return;
    for (const oldest of this.late) {
      this.late.delete(oldest);
      return;
    }
  }

  /** Waits as long as for a load of another process, and then not for what is being told to another subscriber. */
  private limitWait(id: string, group: SubscriptionGroup, subscription: SequenceSubscription, alone: () => void): void {
    const give = (): void => {
      if (subscription.isLeft || subscription.sequence !== undefined) return;
      if (group.isStreaming) alone();
      else group.waiting.set(subscription, alone);
    };
    if (this.late.has(id)) give();
    else subscription.subscriber.add(this.bounds.clock.after(this.bounds.maxWaitMs, give));
  }

  private releaseWaiting(group: SubscriptionGroup): void {
    const all = [...group.waiting];
    group.waiting.clear();
    for (const [subscription, alone] of all) if (!subscription.isLeft && subscription.sequence === undefined) alone();
  }

  private leave(id: string, group: SubscriptionGroup, subscription: SequenceSubscription): void {
    if (subscription.isLeft) return;
    subscription.isLeft = true;
    group.subscriptions.delete(subscription);
    group.waiting.delete(subscription);
    subscription.sequence?.mute();
    if (group.subscriptions.size > 0) return;
    for (const sequence of group.sequences) sequence.stop();
    if (this.groups.get(id) === group) this.groups.delete(id);
  }
}
