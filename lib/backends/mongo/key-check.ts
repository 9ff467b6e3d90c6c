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
      const known = await Promise.all(
        [...checks].map(async ([id, check]) => [id, (await this.begun(documents, id, check)) === check] as const),
      );
      return known.filter(([, isOurs]) => !isOurs).map(([id]) => id);
    });
  }

  private async begun(documents: Documents, id: string, check: string): Promise<unknown> {
    const begin = (): Promise<Stored | null> =>
      documents.findOneAndUpdate(
        { _id: `${this.lead}${id}` },
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
}
