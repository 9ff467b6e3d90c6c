/**
 * Questions of one turn of the event loop are one `find` of documents and of the states they are judged by. Stamps only
 * ever rise, so the two may be seen in any order: an invalidation that settled before the question was sent shows in
 * the state.
 */
import type { Label } from '../../core/keys/label.js';
import { Coalesced, type Asked } from '../remote/coalesced.js';
import { projectionOf, type LabelFields, type Stored } from './documents.js';
import type { MongoConnection } from './connection/connection.js';

/** Documents by their names, and the labels whose stamps were asked for with them. */
export interface Found {
  readonly documents: ReadonlyMap<string, Stored>;
  readonly labels: readonly Label[];
}

interface Question {
  readonly names: readonly string[];
  readonly labels: readonly Label[];
}

interface ReadParts {
  readonly connection: MongoConnection;
  readonly fields: LabelFields;
}

/** Questions that one command asks. More are spread over several, so that no answer holds up the others for long. */
const MAX_BATCH = 128;

export class CoalescedReads {
  private readonly reads = new Coalesced<'collection', Question, Found>(MAX_BATCH, (_place, asked) =>
    this.answer(asked),
  );

  constructor(
    private readonly parts: ReadParts,
    /** Fields that are fetched of every document, beside the stamps of the labels. */
    private readonly wanted: readonly string[],
  ) {}

  ask(names: readonly string[], labels: readonly Label[]): Promise<Found> {
    return this.reads.ask('collection', { names, labels });
  }

  private async answer(asked: readonly Asked<Question, Found>[]): Promise<void> {
    const { connection, fields } = this.parts;
    const labels = [...new Set(asked.flatMap(({ question }) => question.labels))];
    const names = [...new Set(asked.flatMap(({ question }) => question.names))];
    const projection = projectionOf([...this.wanted, ...fields.paths(labels)]);
    const found = await connection.run((documents) =>
      documents.find({ _id: { $in: names } }, { projection, batchSize: names.length + 1 }).toArray(),
    );
    const documents = new Map(found.map((each) => [each._id, each]));
    for (const { resolve } of asked) resolve({ documents, labels });
  }
}
