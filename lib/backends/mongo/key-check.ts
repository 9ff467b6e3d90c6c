import type { Codec } from '../../core/codec.js';
import { FAR, type Documents, type Stored } from './documents.js';
import { isDuplicate } from './connection/errors.js';
import { ServerKeyCheck } from '../remote/key-check.js';

/** What tells the keys of a cache from others, in a document for each name. */
export class MongoKeyCheck extends ServerKeyCheck {
  private readonly lead: string;

  /** @param lead what every name of this cache starts with */
  constructor(codec: Codec, lead: string) {
    super(codec, 'mongo', `the documents whose _id begins with "${lead}k:"`);
    this.lead = `${lead}k:`;
  }

  /** @throws CacheConfigError when the server knows another key under one of the names */
  run(documents: Documents): Promise<void> {
    return this.asked(async (checks) => {
      const known = await this.known(documents, [...checks.keys()]);
      const found = await Promise.all(
        [...checks].map(async ([id, check]) => {
          const there = known.get(this.nameOf(id)) ?? (await this.begun(documents, id, check));
          return [id, there === check] as const;
        }),
      );
      return found.filter(([, isOurs]) => !isOurs).map(([id]) => id);
    });
  }

  /** What lies there of several, asked for at once: as a rule that is all of them. One is asked for as it is written. */
  private async known(documents: Documents, ids: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
    if (ids.length === 1) return new Map();
    const found = await documents.find({ _id: { $in: ids.map((id) => this.nameOf(id)) } }).toArray();
    return new Map(found.map(({ _id, c }) => [_id, c]));
  }

  private async begun(documents: Documents, id: string, check: string): Promise<unknown> {
    const begin = (): Promise<Stored | null> =>
      documents.findOneAndUpdate(
        { _id: this.nameOf(id) },
        { $setOnInsert: { c: check, x: FAR } },
        { upsert: true, returnDocument: 'after' },
      );
    const found = await begin().catch(async (error: unknown) => {
      // Two wrote it at once; one of them is there now.
      if (isDuplicate(error)) return begin();
      throw error;
    });
    return found?.['c'];
  }

  private nameOf(id: string): string {
    return `${this.lead}${id}`;
  }
}
