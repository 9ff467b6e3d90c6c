import type { Selection } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import { WHOLE_SHARD, type View } from '../../core/keys/space.js';
import type { Generation, Stamp } from '../../core/stamp.js';
import type { Invalidation } from '../shared/invalidation.js';
import { countWithin } from '../shared/counting.js';
import { EVERY_KEY, type Removal } from './index-scan.js';
import type { ServerClock } from './server-clock.js';
import type { Shards } from './shards.js';

/**
 * What another process invalidated is left to that process to remove and to count, unless that was so long ago that none
 * is at it any more. Stamps are microseconds of the server's clock, or a little more.
 */
const LEFT_BEHIND_US = 60_000_000;
const NO_LABELS: readonly Label[] = Object.freeze([]);

/** What one invalidation did to a shard. */
export interface Tick<S> {
  readonly shard: S;
  readonly generation: Generation;
  readonly clock: Stamp;
  /** The minimum stamp before. */
  readonly minimumStamp: Stamp;
  /** The stamps of the labels before. */
  readonly stamps: ReadonlyMap<Label, Stamp>;
}

export interface ClearingParts<S> {
  readonly shards: Shards<S>;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  /** Which of several servers keeps a shard, where there are several. */
  readonly ownerOf?: (shard: S) => string;
  /** How long a clear counts what it removes before it answers with what it has counted. */
  readonly countingMs: number;
  /** Makes labels invalid, or everything in a shard. Undefined: the shard has no state, so nothing in it is valid. */
  readonly tick: (shard: S, labels: readonly Label[], kind: 'labels' | 'everything') => Promise<Tick<S> | undefined>;
  /** Every shard of this prefix ticked. @param counts without, no answer is needed @param owner only what it keeps */
  readonly tickAll: (
    tick: (shard: S) => Promise<Tick<S> | undefined>,
    counts: boolean,
    owner: string | undefined,
  ) => Promise<readonly (Tick<S> | undefined)[]>;
  /** What becomes of names without a value. */
  readonly empty: Removal['empty'];
  readonly remove: (shard: S, selection: Selection, removal: Removal) => AsyncGenerator<number, void>;
}

/**
 * Makes many entries invalid at once, which takes one step per shard; what follows tidies up and counts what was live when
 * it began. With several shards it has settled when all of them have answered.
 */
export class Clearing<S> {
  constructor(private readonly parts: ClearingParts<S>) {}

  /** @param owner only what it keeps */
  async invalidate(partition: Partition, labels: readonly Label[], owner?: string): Promise<void> {
    const { tick } = this.parts;
    await Promise.all(this.shardsOf(partition, owner).map((shard) => tick(shard, labels, 'labels')));
  }

  /** @param counts without, what is invalid is left to expire @param owner only what it keeps */
  async clear(view: View, counts: boolean, owner?: string): Promise<number> {
    const beganAtMs = this.parts.serverClock.nowMs();
    const ticks = await Promise.all(this.shardsOf(view.partition, owner).map((shard) => this.tickOf(shard, view)));
    return counts ? this.tidyAll(ticks, view, beganAtMs) : 0;
  }

  /**
   * A shard that comes to be behind the walk has nothing from before it.
   * @param view of all partitions @param counts without, what is invalid is left to expire @param owner only what it keeps
   */
  async clearEverything(view: View, counts: boolean, owner?: string): Promise<number> {
    const beganAtMs = this.parts.serverClock.nowMs();
    const ticks = await this.parts.tickAll((shard) => this.tickOf(shard, view), counts, owner);
    return counts ? this.tidyAll(ticks, view, beganAtMs) : 0;
  }

  /**
   * Sends an invalidation again, of which every reader waits for the end, and no caller for the count. False: it is of
   * another kind.
   */
  async resend(invalidation: Invalidation): Promise<boolean> {
    if (invalidation.kind === 'clear') await this.clear(invalidation.view, false);
    else if (invalidation.kind === 'namespace') await this.clearEverything(invalidation.view, false);
    else if (invalidation.kind === 'everything') await this.clearEverything(WHOLE_SHARD, false);
    else return false;
    return true;
  }

  /** The shards of a partition, or those of them that one server keeps. */
  shardsOf(partition: Partition, owner: string | undefined): readonly S[] {
    const { shards, ownerOf } = this.parts;
    const all = shards.all(partition);
    return owner === undefined ? all : all.filter((shard) => ownerOf?.(shard) === owner);
  }

  /** Removes what a tick made invalid, and of what was invalid before only what has been for long. */
  tidy(tick: Tick<S>, selection: Selection, beganAtMs: number, isTold: boolean): AsyncGenerator<number, void> {
    const { remove, empty } = this.parts;
    const judge = judgeOf(tick, selection.view.label, beganAtMs);
    return remove(tick.shard, selection, { judge, empty, isTold });
  }

  private tickOf(shard: S, { label }: View): Promise<Tick<S> | undefined> {
    return label === undefined
      ? this.parts.tick(shard, NO_LABELS, 'everything')
      : this.parts.tick(shard, [label], 'labels');
  }

  /** All of it is invalid already, so other processes need not be told. */
  private tidyAll(ticks: readonly (Tick<S> | undefined)[], view: View, beganAtMs: number): Promise<number> {
    const { clock, countingMs } = this.parts;
    const known = ticks.filter((tick) => tick !== undefined);
    return countWithin(countingMs, clock, known, (tick) =>
      this.tidy(tick, { view, match: EVERY_KEY }, beganAtMs, false),
    );
  }
}

/**
 * Live before the tick: what the tick itself set, and whatever came after, does not count against it. Of what was dead
 * before, only what has been for long is removed.
 */
function judgeOf<S>(tick: Tick<S>, own: Label | undefined, beganAtMs: number): Removal['judge'] {
  return (header, state) => {
    if (header.generation !== tick.generation) return header.generation === state?.generation ? 'other' : 'dead';
    if (header.stamp >= tick.clock) return 'other';
    if (beganAtMs >= header.keptUntilMs) return 'dead';
    let killedAt = Infinity;
    const consider = (stamp: number): void => {
      if (stamp > header.stamp && stamp < tick.clock) killedAt = Math.min(killedAt, stamp);
    };
    consider(tick.minimumStamp);
    for (const label of header.labels) {
      consider((label === own ? tick.stamps.get(label) : state?.stamps.get(label)) ?? 0);
    }
    if (killedAt === Infinity) return 'live';
    return killedAt < tick.clock - LEFT_BEHIND_US ? 'dead' : 'other';
  };
}
