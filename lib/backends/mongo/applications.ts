import { createHash } from 'node:crypto';
import { AFTER_ALL, type Documents, type Stored } from './documents.js';
import { MARK_KEPT_MS, MAX_MARKS, ServerApplications, type ApplicationsParts } from '../remote/applications.js';
import type { ServerClock } from '../remote/server-clock.js';

/** Documents looked at in one go, however many lie there. */
const MOST = 4 * MAX_MARKS;

/** The marks of applications, each in a document of its own. */
export class MongoApplications extends ServerApplications {
  private readonly lead: string;

  /** @param lead what every name of this cache starts with */
  constructor(
    parts: ApplicationsParts,
    tell: (problem: string) => void,
    lead: string,
    private readonly clock: ServerClock,
  ) {
    super(parts, tell);
    this.lead = `${lead}a:`;
  }

  look(documents: Documents): Promise<void> {
    return this.meet(async (mark) => {
      const { lead } = this;
      const _id = `${lead}${createHash('sha256').update(mark).digest('base64url').slice(0, 22)}`;
      const x = new Date(this.clock.nowMs() + MARK_KEPT_MS);
      // Two may leave it at once, and then it is there.
      await documents.updateOne({ _id }, { $set: { a: mark, x } }, { upsert: true }).catch(() => undefined);
      const found = await documents
        .find({ _id: { $gte: lead, $lt: `${lead}${AFTER_ALL}` } }, { limit: MOST })
        .toArray();
      // The server's own expiry may be late, or there is none.
      const nowMs = this.clock.nowMs();
      const kept = found.filter((each) => endOf(each) > nowMs);
      const newest = kept.toSorted((one, other) => endOf(other) - endOf(one));
      const over = newest.slice(MAX_MARKS).map((each) => each._id);
      if (over.length > 0) await documents.deleteMany({ _id: { $in: over } });
      return newest.slice(0, MAX_MARKS).map(({ a }) => a);
    });
  }
}

function endOf(found: Stored): number {
  const { x } = found;
  return x instanceof Date ? x.getTime() : 0;
}
