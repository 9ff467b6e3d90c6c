/**
 * Questions of one turn of the event loop are one `find` of documents and of the states they are judged by. Stamps only
 * ever rise, so the two may be seen in any order: an invalidation that settled before the question was sent shows in
 * the state.
 */
import { afterThisTurn } from '../../core/clock.js';
import type { Label } from '../../core/keys/label.js';
import { projectionOf, type LabelFields, type Stored } from './documents.js';
import type { MongoConnection } from './connection/connection.js';

/** Documents by their names, and the labels whose stamps were asked for with them. */
export interface Found {
  readonly documents: ReadonlyMap<string, Stored>;
  readonly labels: readonly Label[];
}

interface Waiting {
  readonly names: readonly string[];
  readonly labels: readonly Label[];
  readonly resolve: (found: Found) => void;
  readonly reject: (error: unknown) => void;
}

interface ReadParts {
  readonly connection: MongoConnection;
  readonly fields: LabelFields;
}

/** Questions that one command asks. More are spread over several, so that no answer holds up the others for long. */
const MAX_BATCH = 128;

export class CoalescedReads {
  private waiting: Waiting[] = [];

  constructor(
    private readonly parts: ReadParts,
    /** Fields that are fetched of every document, beside the stamps of the labels. */
    private readonly wanted: readonly string[],
  ) {}

  ask(names: readonly string[], labels: readonly Label[]): Promise<Found> {
    return new Promise((resolve, reject) => {
      const mine = { names, labels, resolve, reject };
      if (this.waiting.length > 0 && this.waiting.length < MAX_BATCH) {
        this.waiting.push(mine);
        return;
      }
      const batch = [mine];
      this.waiting = batch;
      // After the promises of this turn have run, and with them everybody who asks in the same moment.
      afterThisTurn(() => {
        if (this.waiting === batch) this.waiting = [];
        this.flush(batch).catch((error: unknown) => {
          for (const { reject: fail } of batch) fail(error);
        });
      });
    });
  }

  private async flush(batch: readonly Waiting[]): Promise<void> {
    const { connection, fields } = this.parts;
    const labels = [...new Set(batch.flatMap((each) => each.labels))];
    const names = [...new Set(batch.flatMap((each) => each.names))];
    const projection = projectionOf([...this.wanted, ...fields.paths(labels)]);
    const found = await connection.run((documents) =>
      documents.find({ _id: { $in: names } }, { projection, batchSize: names.length + 1 }).toArray(),
    );
    const documents = new Map(found.map((each) => [each._id, each]));
    for (const { resolve } of batch) resolve({ documents, labels });
  }
}
