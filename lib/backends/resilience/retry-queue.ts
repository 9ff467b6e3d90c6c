import type { Awaitable } from '../../core/async/awaitable.js';
import { MANY } from './options.js';
import { clearOf, heaviestPartition, partitionOf, weightOf } from './overflow.js';
import type { Backend } from '../../core/backend.js';
import type { Partition } from '../../core/keys/partition.js';
import type { Invalidation } from '../shared/invalidation.js';

/** Invalidations that are replayed in parallel. One after the other those of a busy minute would take half of the next. */
const MAX_PARALLEL = 64;

/**
 * What a call is about: one partition, or several (undefined). A probe asks whether the server is there, and waits for all
 * but those that go through many entries.
 */
export type Concern = Partition | 'probe' | undefined;

interface Freed {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/** Whether it fits into the deadline of a single call. */
export function isBrief(invalidation: Invalidation): boolean {
  return invalidation.kind === 'evict' ? invalidation.keys.length <= MANY : invalidation.kind === 'invalidate';
}

/**
 * Invalidations that the server has not confirmed, in their order and each once. Bounded, with every name of an eviction
 * counted: when it is full, the tenant that has most of them is cleared in their stead, or everything where no tenant has
 * many. That is more than was requested and never less, and takes one step to resend.
 */
export class RetryQueue {
  /** Plain to see: every call looks whether there are any. */
  readonly queued = new Map<string, Invalidation>();
  /** How many of them there are of each partition; undefined: of several, or all. */
  private readonly partitions = new Map<Partition | undefined, number>();
  private readonly freed = new Map<Concern, Freed>();
  /** Those that go through many entries. */
  private scans = 0;
  private weight = 0;
  /** The ones being replayed now. A new invalidation may target shards that a wide one has already passed, so it must still be queued. */
  private readonly replaying = new WeakSet<Invalidation>();

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.queued.size;
  }

  /** Whether a call has to wait until some of them are confirmed. */
  concerns(about: Concern): boolean {
    if (about === undefined || this.queued.size === 0) return this.queued.size > 0;
    if (about === 'probe') return this.queued.size > this.scans;
    return this.partitions.has(about) || this.partitions.has(undefined);
  }

  /** Resolves when a call may go on. Undefined: when all of them have been replayed. */
  untilFree(about: Concern): Promise<void> | undefined {
    if (about === undefined || (about !== 'probe' && !this.partitions.has(about))) return undefined;
    const known = this.freed.get(about);
    if (known !== undefined) return known.promise;
    let resolve = (): void => undefined;
    const promise = new Promise<void>((onFreed) => {
      resolve = onFreed;
    });
    this.freed.set(about, { promise, resolve });
    return promise;
  }

  add(invalidation: Invalidation): void {
    // A wider one that is not being replayed yet includes this one. Queueing it again for each narrower one would never end.
    if (this.isCovered(invalidation)) return;
    if (!this.fits(invalidation)) {
      this.makeRoom(invalidation);
      if (this.isCovered(invalidation)) return;
    }
    // A new object each time: a replay in progress of the one before must not confirm this one.
    const added: Invalidation = this.fits(invalidation) ? { ...invalidation } : { kind: 'everything' };
    if (added.kind === 'everything') for (const name of this.queued.keys()) this.drop(name);
    this.put(added);
  }

  /**
   * Another server has to get all of them, and those that the server before has confirmed. A replay to the server before
   * that is still in progress no longer confirms any.
   */
  requeue(confirmed: readonly Invalidation[]): void {
    for (const [name, invalidation] of this.queued) this.queued.set(name, { ...invalidation });
    for (const invalidation of confirmed) this.add(invalidation);
  }

  /** All of them, which leave the queue. */
  takeAll(): readonly Invalidation[] {
    const taken = [...this.queued.values()];
    for (const name of this.queued.keys()) this.drop(name);
    return taken;
  }

  /**
   * Resends all of them that go through many entries, or all others: oldest first and more and more in parallel, since calls
   * wait for it. The first is sent alone, and each confirmation allows one more at a time: over few connections, all of them
   * together might exceed the deadline of each, over and over. Sends none after one has failed. Confirmed ones leave the
   * queue.
   */
  async replay(scans: boolean, apply: (invalidation: Invalidation) => Promise<unknown>): Promise<void> {
    // One iterator for all turns.
    const left = among(this.queued, scans);
    const turns: Promise<unknown>[] = [];
    const failures: unknown[] = [];
    const sendNext = async (): Promise<void> => {
      for (const [name, invalidation] of left) {
        await this.send(invalidation, apply);
        // The same invalidation may have been queued again meanwhile, for entries stored since.
        if (this.queued.get(name) === invalidation) this.drop(name);
        if (failures.length > 0) return;
        if (turns.length < MAX_PARALLEL) begin();
      }
    };
    const begin = (): void => {
      turns.push(sendNext().catch((error: unknown) => failures.push(error)));
    };
    begin();
    // More turns may begin while the first are awaited.
    for (const turn of turns) await turn;
    if (failures.length > 0) throw failures[0];
  }

  private isCovered(invalidation: Invalidation): boolean {
    const partition = partitionOf(invalidation);
    const names = partition === undefined ? ['everything'] : ['everything', nameOf(clearOf(partition))];
    return names.some((name) => {
      const wider = this.queued.get(name);
      return wider !== undefined && !this.replaying.has(wider);
    });
  }

  private fits(invalidation: Invalidation): boolean {
    return this.weight + weightOf(invalidation) <= this.limit;
  }

  private makeRoom(invalidation: Invalidation): void {
    const heaviest = heaviestPartition([...this.queued.values(), invalidation], this.limit);
    if (heaviest === undefined) return;
    for (const [name, queued] of this.queued) if (partitionOf(queued) === heaviest) this.drop(name);
    this.put(clearOf(heaviest));
  }

  private put(invalidation: Invalidation): void {
    const name = nameOf(invalidation);
    this.drop(name);
    this.queued.set(name, invalidation);
    this.weight += weightOf(invalidation);
    if (isScan(invalidation)) this.scans++;
    const partition = partitionOf(invalidation);
    this.partitions.set(partition, (this.partitions.get(partition) ?? 0) + 1);
  }

  private drop(name: string): void {
    const invalidation = this.queued.get(name);
    if (invalidation === undefined) return;
    this.queued.delete(name);
    this.weight -= weightOf(invalidation);
    if (isScan(invalidation)) this.scans--;
    const partition = partitionOf(invalidation);
    const left = (this.partitions.get(partition) ?? 0) - 1;
    if (left > 0) this.partitions.set(partition, left);
    else this.partitions.delete(partition);
    // One of several partitions was in the way of all.
    const waiting = partition === undefined ? this.freed.keys() : ([partition, 'probe'] as const);
    for (const about of waiting) if (!this.concerns(about)) this.free(about);
  }

  private free(about: Concern): void {
    this.freed.get(about)?.resolve();
    this.freed.delete(about);
  }

  private async send(
    invalidation: Invalidation,
    apply: (invalidation: Invalidation) => Promise<unknown>,
  ): Promise<void> {
    this.replaying.add(invalidation);
    try {
      await apply(invalidation);
    } catch (error) {
      this.replaying.delete(invalidation);
      throw error;
    }
  }
}

/** Also those that are added while it goes on. */
function* among(queued: ReadonlyMap<string, Invalidation>, scans: boolean): Generator<[string, Invalidation]> {
  for (const entry of queued) if (isScan(entry[1]) === scans) yield entry;
}

function isScan(invalidation: Invalidation): boolean {
  return invalidation.kind === 'matching' || (invalidation.kind === 'evict' && !isBrief(invalidation));
}

/** What a backend may offer beyond the contract. */
export interface Resending {
  /** Applies the same invalidation once more, without counting what it removes. */
  resend?(invalidation: Invalidation): Promise<void>;
}

/** Resends an invalidation. */
export function resend(backend: Backend & Resending, invalidation: Invalidation): Awaitable<unknown> {
  return backend.resend === undefined ? apply(backend, invalidation) : backend.resend(invalidation);
}

/** Applies an invalidation to a backend. */
export function apply(backend: Backend, invalidation: Invalidation): Awaitable<unknown> {
  switch (invalidation.kind) {
    case 'evict':
      return backend.evict(invalidation.keys);
    case 'invalidate':
      return backend.invalidate(invalidation.partition, invalidation.labels);
    case 'clear':
      return backend.clear(invalidation.view);
    case 'matching':
      return backend.removeMatching(invalidation.selection);
    case 'namespace':
      return backend.clearEverything(invalidation.view);
    case 'everything':
      return backend.clearEverything();
  }
}

function nameOf(invalidation: Invalidation): string {
  switch (invalidation.kind) {
    case 'evict':
      return `evict ${invalidation.keys.map(({ id }) => id).join(' ')}`;
    case 'invalidate':
      return `labels ${invalidation.partition} ${invalidation.labels.join(' ')}`;
    case 'clear':
      return `clear ${invalidation.view.partition} ${invalidation.view.label ?? ''}`;
    case 'matching':
      return `matching ${invalidation.selection.view.partition} ${invalidation.selection.view.label ?? ''} ${invalidation.selection.match.source}`;
    case 'namespace':
      return `namespace ${invalidation.view.label}`;
    case 'everything':
      return 'everything';
  }
}
