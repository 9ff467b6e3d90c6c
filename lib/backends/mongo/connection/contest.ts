/** Whether, of several calls that change one document from the same state, one succeeds. */
import { BackendError } from '../../../core/errors.js';
import { ttlIndexAt, type Documents } from '../documents.js';
import { isNotSent } from './errors.js';
import { sum } from '../../shared/batches.js';

/** One command each, sent at once over two connections. One alone wins anywhere. */
const CONTENDERS = 2;
/** Who is behind fails quicker than the other writes, so the two meet again and again on their way. */
const STEPS = 64;
const CHEAP = Object.freeze({ writeConcern: { w: 1 } });

/**
 * A document that several count up at once, each step of which only one may make: from 0 to 1, from 1 to 2 and so on. Each
 * contender tries every step, in one command. A contender that has tried a step leaves the number beyond it, so on a sound server
 * all steps are made, and each once.
 */
export class Contest {
  constructor(
    private readonly documents: Documents,
    private readonly name: string,
  ) {}

  async prepare(nowServerMs: number): Promise<void> {
    await this.documents.insertOne({ _id: this.name, n: 0, x: ttlIndexAt(nowServerMs) }, CHEAP);
  }

  /** @throws BackendError when too few came to it */
  async hasOneWinnerEach(): Promise<boolean> {
    const { documents, name } = this;
    const steps = Array.from({ length: STEPS }, (_, n) => ({
      updateOne: { filter: { _id: name, n }, update: { $set: { n: n + 1 } } },
    }));
    try {
      const outcomes = await Promise.all(
        Array.from({ length: CONTENDERS }, () =>
          documents.bulkWrite(steps, CHEAP).then(({ matchedCount }) => matchedCount, whenNotSent),
        ),
      );
      const wins = sum(outcomes.map((won) => won ?? 0));
      const isWhole = !outcomes.includes(undefined);
      // One that is missing may have won some steps before it was asked again.
      if (!isWhole && wins <= STEPS) throw new BackendError('the start', 'mongo', { why: 'no connection in time' });
      return wins === STEPS;
    } finally {
      await documents.deleteOne({ _id: name }, CHEAP);
    }
  }
}

/** A call that waited for a connection in vain takes no part: a pool may be small, and the way to the server long. */
function whenNotSent(error: unknown): undefined {
  if (!isNotSent(error)) throw error;
}
