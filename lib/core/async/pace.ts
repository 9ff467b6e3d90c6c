import type { Clock } from '../clock.js';

/** Steps of one portion. A step is about ten nanoseconds: a character of a pattern, a tenth of a look at a record. */
export const PORTION_STEPS = 250_000;

/**
 * Work of walks in portions, so that long ones do not hold up the process. Work is counted and not timed: the same walk
 * has the same portions on every machine. All walks of a backend share one pace, since those that rest together would
 * also go on together; one of them goes on in each turn of the event loop.
 *
 * @example
 * const pace = new Pace(parts.clock); // one for a backend
 * const match = compileGlob('cat:*');
 * const found: KeyId[] = [];
 * for (const id of ids) {
 *   await pace.take(stepsToTest(match, id.length));
 *   if (match.test(visibleKey(id))) found.push(id);
 * }
 */
export class Pace {
  private left = PORTION_STEPS;
  private lastTurn: Promise<void> = Promise.resolve();

  constructor(private readonly clock: Clock) {}

  /** To be called before the work. A promise: it has to wait for its turn. */
  take(steps: number): Promise<void> | undefined {
    this.left -= steps;
    return this.left >= 0 ? undefined : this.rest(steps);
  }

  /** Lets others work first. */
  rest(steps = 0): Promise<void> {
    this.lastTurn = this.lastTurn.then(async () => {
      await this.clock.breathe();
      this.left = PORTION_STEPS - steps;
    });
    return this.lastTurn;
  }

  /** What `work` makes of the items, in portions. */
  async each<T, R>(
    items: readonly T[],
    stepsOf: (item: T, at: number) => number,
    work: (item: T, at: number) => R,
  ): Promise<R[]> {
    const results: R[] = [];
    for (const [at, item] of items.entries()) {
      const turn = this.take(stepsOf(item, at));
      if (turn !== undefined) await turn;
      results.push(work(item, at));
    }
    return results;
  }

  /** Those of the items that pass, looked at in portions. */
  async filter<T>(items: readonly T[], stepsOf: (item: T) => number, passes: (item: T) => boolean): Promise<T[]> {
    const passed = await this.each(items, stepsOf, passes);
    return items.filter((_, at) => passed[at]);
  }
}
