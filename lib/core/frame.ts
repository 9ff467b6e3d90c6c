import type { Entrance, RunInContext } from './async/begun.js';
import type { Handling } from './entry.js';
import type { Key } from './keys/key.js';
import { bucketOf, isTagLabel, type Label } from './keys/label.js';
import { isNarrower, type Scope } from './keys/scope.js';
import type { Home, Space } from './keys/space.js';

/**
 * What surrounds a call: who is asking, and which load it happens in, if any. Frames are never changed once entered,
 * apart from what a load collects about itself.
 */
export interface Frame {
  readonly scope: Scope;
  readonly loading: Loading | undefined;
}

/** Carries the frame along the asynchronous flow of a call. The context part implements it over AsyncLocalStorage. */
export interface AmbientContext {
  current(): Frame | undefined;
  run<R>(frame: Frame, work: () => R): R;
  /** Does what `run` does, as often as it is called. It is not in the way in a stack trace: see {@link beginInContext}. */
  entrance(frame: Frame): Entrance;
  /** The load of the running call, if it is inside one. Does not look up who is asking. */
  loading(): Loading | undefined;
  /** Keeps the context of now: runs work in them later, wherever it is called. */
  held(): RunInContext;
}

/** Labels taken over by name. More than an entry can carry; those beyond come as their buckets. */
const MAX_INNER_LABELS = 1_024;

/** The scope that data is meant for, and its namespace: a space, or what is known of one. */
export type Audience = Pick<Space, 'scope' | 'width' | 'namespace'>;

/** One load under way, as seen by the cache calls inside it. */
export class Loading {
  /** Whose data was the first that was read although fewer people may see it than the entry being loaded. */
  leak: Audience | undefined = undefined;
  /** The soonest end of what was read inside: the outer entry must not outlive it. */
  innerFreshUntilMs = Infinity;
  /** The load around it. */
  readonly parent: Loading | undefined;
  /** Tag labels of what was read inside, if there are any: an invalidation of the inner data means the outer too. */
  innerLabels: Set<Label> | undefined = undefined;
  private awaited: Set<Loading> | undefined = undefined;
  private readonly sinceMs: number | undefined;
  private isOver: boolean;

  constructor(
    readonly key: Key,
    parent: Loading | undefined,
    /** When its lease had been granted. Undefined: it has none, and nothing is stored of it. */
    leasedAtMs?: number,
    /** A put: its method may look at the very entry it is about to replace. */
    readonly isPut = false,
  ) {
    this.parent = parent?.underWay;
    this.sinceMs = leasedAtMs ?? parent?.sinceFor(key.space.home);
    this.isOver = false;
  }

  /** The loads this one is waiting for right now; a circle of them would wait for ever. */
  get waitsFor(): Set<Loading> {
    return (this.awaited ??= new Set());
  }

  /**
   * It has ended. What its loader left behind (a timer, a listener, a connection that it opened) goes on in this
   * context, perhaps as long as the process: that is not inside it any more, and must not gather here.
   */
  end(): void {
    this.isOver = true;
  }

  /** This load, or the nearest around it that has not ended. */
  private get underWay(): Loading | undefined {
    return this.isOver ? this.parent?.underWay : this;
  }

  /**
   * How reads inside are to be treated. What is stored is valid by the stamp of the lease, so a copy that was not checked
   * since may be older than it says: what had been invalidated before the load began would become part of it.
   * @param space of what is read
   */
  handling(policy: Handling, { home }: Pick<Space, 'home'>): Handling {
    const { isolation, level } = policy;
    const checkedSinceMs = this.sinceFor(home);
    return checkedSinceMs === undefined ? policy : { isolation, level, checkedSinceMs };
  }

  private sinceFor(home: Home): number | undefined {
    return this.sinceMs === undefined ? undefined : onClockOf(this.sinceMs, this.key.space.home, home);
  }

  /** Notes that this load, and every load it is nested in, saw such data. */
  note(audience: Audience): void {
    if (isNarrower(audience, this.key.space)) this.leak ??= audience;
    this.parent?.note(audience);
  }

  /** Takes over what an inner entry brings: its end, and its tags, which only mean something in one partition of one cache. */
  inherit(space: Space, labels: readonly Label[], freshUntilMs: number): void {
    if (this.isOver) return;
    const { home, partition } = this.key.space;
    const endMs = onClockOf(freshUntilMs, space.home, home);
    if (endMs < this.innerFreshUntilMs) this.innerFreshUntilMs = endMs;
    if (space.home !== home || space.partition !== partition) return;
    for (const label of labels) {
      if (!isTagLabel(label)) continue;
      const innerLabels = (this.innerLabels ??= new Set());
      innerLabels.add(innerLabels.size < MAX_INNER_LABELS ? label : bucketOf(label));
    }
  }

  /** True when `other` waits, directly or through others, for this load: waiting for it would close a circle. */
  wouldDeadlock(other: Loading, seen = new Set<Loading>()): boolean {
    if (other === this) return true;
    // Many loads may wait for the same ones: each is looked at once, not once for every way that leads to it.
    seen.add(other);
    for (const next of other.awaited ?? []) if (!seen.has(next) && this.wouldDeadlock(next, seen)) return true;
    return false;
  }

  /** The load of `key` that this one is, or is nested in. In another cache a key of the same text is another. */
  enclosing(key: Key): Loading | undefined {
    const isSame = this.key.id === key.id && this.key.space.home === key.space.home;
    return isSame && !this.isOver ? this : this.parent?.enclosing(key);
  }
}

/** A moment on the clock of one cache, as that of another has it. In tests they may have different ones. */
function onClockOf(ms: number, from: Home, to: Home): number {
  return from.clock === to.clock ? ms : to.clock.monotonicMs() - (from.clock.monotonicMs() - ms);
}
