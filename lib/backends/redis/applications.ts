import type { RedisPool } from './connection/pool.js';
import { text } from './connection/reply.js';
import { LEAVE_MARK } from './scripts/leave-mark.js';
import { MARK_KEPT_MS, MAX_MARKS, ServerApplications, type ApplicationsParts } from '../remote/applications.js';

/** The marks of applications, in one sorted set beside the entries of a cache: by when they were left last. */
export class RedisApplications extends ServerApplications {
  /** @param lead what every key of this cache starts with */
  constructor(
    parts: ApplicationsParts,
    tell: (problem: string) => void,
    private readonly lead: string,
  ) {
    super(parts, tell);
  }

  look(pool: RedisPool): Promise<void> {
    return this.meet(async (mark) => {
      const marks = await pool.run(LEAVE_MARK, [`${this.lead}apps`], [mark, MARK_KEPT_MS, MAX_MARKS]);
      return (marks as unknown[]).map(text);
    });
  }
}
