import { afterThisTurn } from '../../core/clock.js';

/** What one caller asks, among others that ask in the same turn. */
export interface Asked<Q, A> {
  readonly question: Q;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Questions of one turn of the event loop to one place are one command. More than `most` are spread over several, so that
 * no answer holds up the others for long.
 */
export class Coalesced<P, Q, A> {
  private readonly open = new Map<P, Asked<Q, A>[]>();

  constructor(
    private readonly most: number,
    /** Answers all of them at once, or each by itself. Its failure is that of each. */
    private readonly answerAll: (place: P, asked: readonly Asked<Q, A>[]) => Promise<void> | undefined,
  ) {}

  ask(place: P, question: Q): Promise<A> {
    return new Promise((resolve, reject) => {
      const mine = { question, resolve, reject };
      const others = this.open.get(place);
      if (others !== undefined && others.length < this.most) {
        others.push(mine);
        return;
      }
      const batch = [mine];
      this.open.set(place, batch);
      // After the promises of this turn have run, and with them every caller that asks in the same moment.
      afterThisTurn(() => {
        if (this.open.get(place) === batch) this.open.delete(place);
        try {
          this.answerAll(place, batch)?.catch((error: unknown) => failAll(batch, error));
        } catch (error) {
          failAll(batch, error);
        }
      });
    });
  }
}

/** Those that have been answered stay so. */
export function failAll(asked: readonly Pick<Asked<never, never>, 'reject'>[], error: unknown): void {
  for (const { reject } of asked) reject(error);
}
