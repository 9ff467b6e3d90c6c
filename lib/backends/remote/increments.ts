import type { Clock } from '../../core/clock.js';
import type { Draft } from '../../core/entry.js';
import { NotACounterError } from '../../core/errors.js';
import type { Key, KeyId } from '../../core/keys/key.js';
import { dueAt, tooLate, type WriteTimeouts } from './writing.js';
import type { DueMs } from '../shared/due.js';

type Life = Omit<Draft, 'value'>;

/** Adds to a number on the server. */
interface Counter {
  /** @param dueMs nothing is sent after that */
  increment(key: Key, by: number, draft: Life, dueMs: DueMs): Promise<number>;
}

interface Addend {
  readonly by: number;
  readonly draft: Life;
  readonly dueMs: DueMs;
  readonly resolve: (total: number) => void;
  readonly reject: (error: unknown) => void;
}

/** What is on its way to the number of one key, and what waits for it to arrive. */
interface Journey {
  readonly dueMs: DueMs;
  readonly waiting: Addend[];
}

/**
 * Increments of one key in one process travel together: while one is on its way, those that come meanwhile wait, and go as
 * one sum. So callers of one process never contend for a number, however many they are, and each still gets the total
 * that it would have got in turn.
 *
 * One whose caller has been told that it failed is left out: what was not sent is not counted.
 */
export class Increments {
  private readonly journeys = new Map<KeyId, Journey>();

  constructor(
    private readonly kind: string,
    private readonly clock: Clock,
    private readonly timeouts: WriteTimeouts,
    private readonly counter: Counter,
  ) {}

  /** @throws NotACounterError, BackendError */
  add(key: Key, by: number, draft: Life, dueMs = dueAt(this.clock, this.timeouts, 1)): Promise<number> {
    return new Promise((resolve, reject) => {
      const mine = { by, draft, dueMs, resolve, reject };
      const before = this.journeys.get(key.id);
      if (before !== undefined && this.clock.monotonicMs() <= before.dueMs()) before.waiting.push(mine);
      // What an answer was lost of keeps no later one from leaving.
      else void this.travel(key, [...(before?.waiting.splice(0) ?? []), mine]);
    });
  }

  private async travel(key: Key, all: readonly Addend[]): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    const isLate = ({ dueMs }: Addend): boolean => dueMs() < nowMs;
    for (const { reject } of all.filter(isLate)) reject(tooLate('increment', this.kind));
    const [first, ...others] = all.filter((each) => !isLate(each));
    if (first === undefined) return void this.journeys.delete(key.id);
    const together = [first];
    while (others[0] !== undefined && canTravel(together, others[0])) together.push(others.shift() as Addend);
    const journey = { dueMs: first.dueMs, waiting: others };
    this.journeys.set(key.id, journey);
    await this.carry(key, together);
    if (this.journeys.get(key.id) === journey) void this.travel(key, journey.waiting);
  }

  private async carry(key: Key, together: readonly Addend[]): Promise<void> {
    const [{ draft, dueMs }] = together as [Addend];
    const sum = sumOf(together);
    try {
      let total = (await this.counter.increment(key, sum, draft, dueMs)) - sum;
      for (const { by, resolve } of together) resolve((total += by));
    } catch (error) {
      if (together.length > 1 && error instanceof NotACounterError) return this.carryApart(key, together);
      for (const { reject } of together) reject(error);
    }
  }

  /** The sum would be no exact number any more; some of its parts may. */
  private async carryApart(key: Key, together: readonly Addend[]): Promise<void> {
    for (const each of together) await this.carry(key, [each]);
  }
}

/** Those of one direction: when their sum is an exact number, so is each total on the way to it. */
function canTravel(together: readonly Addend[], { by }: Addend): boolean {
  const sum = sumOf(together);
  return Number.isSafeInteger(by) && Number.isSafeInteger(sum + by) && Number.isSafeInteger(sum) && sum < 0 === by < 0;
}

function sumOf(all: readonly Addend[]): number {
  return all.reduce((sum, { by }) => sum + by, 0);
}
