import type { Awaitable } from '../../core/async/awaitable.js';
import { MANY } from './options.js';
import { clearOf, crowderOf, partitionOf } from './crowding.js';
import type { Backend } from '../../core/backend.js';
import type { Invalidation } from '../shared/invalidation.js';

/** Invalidations that are said again at once. One after the other those of a busy minute would take half of the next. */
const AT_ONCE = 64;

/** Whether it takes no longer than a single call may. */
export function isBrief(invalidation: Invalidation): boolean {
  return invalidation.kind === 'evict' ? invalidation.keys.length <= MANY : invalidation.kind === 'invalidate';
}

/**
 * Invalidations that the server has not confirmed, in their order and each once. Bounded: when it is full, the tenant
 * that has most of them is cleared in their stead, or everything where no tenant has many. That is more than was asked
 * for and never less.
 */
export class RetryQueue {
  private readonly waiting = new Map<string, Invalidation>();
  /** Those that clear much, while they are being said. What is asked for meanwhile may stand where they have been already. */
  private readonly begun = new WeakSet<Invalidation>();

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.waiting.size;
  }

  add(invalidation: Invalidation): void {
    // What has not begun takes this along. Said once more for each that comes while it is under way, it would never end.
    if (this.isCovered(invalidation)) return;
    if (this.waiting.size >= this.limit) {
      this.makeRoom();
      if (this.isCovered(invalidation)) return;
    }
    // A new one each time: whoever is saying the one before does not confirm this one.
    const asked: Invalidation = this.waiting.size >= this.limit ? { kind: 'everything' } : { ...invalidation };
    if (asked.kind === 'everything') this.waiting.clear();
    this.waiting.set(nameOf(asked), asked);
  }

  /**
   * Another server is to be told all of them, and what the one before has confirmed. Whoever is saying one to that one
   * does not confirm it any more.
   */
  renew(confirmed: readonly Invalidation[]): void {
    for (const [name, invalidation] of this.waiting) this.waiting.set(name, { ...invalidation });
    for (const invalidation of confirmed) this.add(invalidation);
  }

  /**
   * Says all of them again, oldest first and more and more at once: everybody waits for it. The first goes alone, and each
   * that is confirmed takes one more along: through few connections, all of them together might take longer than each of
   * them may, time after time. Begins none after one has failed. What was confirmed is forgotten.
   */
  async replay(apply: (invalidation: Invalidation) => Promise<unknown>): Promise<void> {
    // One for all turns.
    const left = this.waiting.entries();
    const turns: Promise<unknown>[] = [];
    const failures: unknown[] = [];
    const sayOn = async (): Promise<void> => {
      for (const [name, invalidation] of left) {
        await this.say(invalidation, apply);
        // The same may have been asked for once more meanwhile, of what has come to stand there since.
        if (this.waiting.get(name) === invalidation) this.waiting.delete(name);
        if (failures.length > 0) return;
        if (turns.length < AT_ONCE) begin();
      }
    };
    const begin = (): void => {
      turns.push(sayOn().catch((error: unknown) => failures.push(error)));
    };
    begin();
    // More may begin while the first are waited for.
    for (const turn of turns) await turn;
    if (failures.length > 0) throw failures[0];
  }

  private isCovered(invalidation: Invalidation): boolean {
    const partition = partitionOf(invalidation);
    const names = partition === undefined ? ['everything'] : ['everything', nameOf(clearOf(partition))];
    return names.some((name) => {
      const wider = this.waiting.get(name);
      return wider !== undefined && !this.begun.has(wider);
    });
  }

  private makeRoom(): void {
    const crowder = crowderOf(this.waiting.values(), this.limit);
    if (crowder === undefined) return;
    for (const [name, invalidation] of this.waiting)
      if (partitionOf(invalidation) === crowder) this.waiting.delete(name);
    const clear = clearOf(crowder);
    this.waiting.set(nameOf(clear), clear);
  }

  private async say(
    invalidation: Invalidation,
    apply: (invalidation: Invalidation) => Promise<unknown>,
  ): Promise<void> {
    this.begun.add(invalidation);
    try {
      await apply(invalidation);
    } catch (error) {
      this.begun.delete(invalidation);
      throw error;
    }
  }
}

/** What a backend may do better than the contract says. */
export interface Repeating {
  /** The same invalidation once more, without counting what goes. */
  repeat?(invalidation: Invalidation): Promise<void>;
}

/** Says an invalidation again. */
export function repeat(backend: Backend & Repeating, invalidation: Invalidation): Awaitable<unknown> {
  return backend.repeat === undefined ? apply(backend, invalidation) : backend.repeat(invalidation);
}

/** Says an invalidation to a backend. */
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
    case 'everything':
      return 'everything';
  }
}
