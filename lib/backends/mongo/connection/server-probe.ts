/**
 * What is settled with a server before it is used: the time, whether one document is changed by one at a time, and the
 * index that takes away what has expired.
 */
import type { mongo } from 'mongoose';
import type { Clock } from '../../../core/clock.js';
import { CacheConfigError } from '../../../core/errors.js';
import { Contest } from './contest.js';
import type { Documents } from '../documents.js';
import { isNotSent, mongoError } from './errors.js';
import type { ServerClock } from '../../remote/server-clock.js';
import { nonce } from '../../shared/nonce.js';
import { RefusedError } from '../../shared/refused.error.js';

export interface ProbeParts {
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  /** What every document of this cache begins with. */
  readonly lead: string;
  readonly isUnsafe: boolean;
  warn(problem: string): void;
}

const INDEX = 'cache_expiry';
/** How a collection may have been made so that it is none that a cache can use. */
const UNFIT = Object.freeze(['collation', 'capped', 'timeseries', 'viewOn']);
const CLOCK_EVERY_MS = 30_000;

export class MongoServerProbe {
  private clockAskedAtMs = -Infinity;
  /** The client whose server has been checked. What a server is able to does not change while it is away. */
  private proven: mongo.MongoClient | undefined;
  /** The client of a server that knows only the old word for `hello`. */
  private saysOldWord: mongo.MongoClient | undefined;
  private isIndexed = false;
  private isIndexRefused = false;

  constructor(private readonly parts: ProbeParts) {}

  /**
   * The name of this run of the server; undefined where it does not tell.
   * @throws RefusedError when the promises cannot be kept there
   */
  async check(db: mongo.Db, documents: Documents): Promise<string | undefined> {
    if (this.proven === db.client) {
      void this.makeIndex(documents);
      return this.hello(db);
    }
    this.isIndexed = this.isIndexRefused = false;
    // Asked at once, so that two connections are there when two contenders need one each. In a pool of one, what is
    // asked first gets it.
    await Promise.all([this.checkCollection(db, documents.collectionName), this.hello(db).catch(whenNotSent)]);
    const contest = new Contest(documents, `${this.parts.lead}p:${nonce()}`);
    // A connection was made for the answer before, which made it slow; this one tells the time.
    const [identity] = await Promise.all([this.hello(db), contest.prepare(this.parts.serverClock.nowMs())]);
    await this.checkAtomicity(contest);
    this.proven = db.client;
    void this.makeIndex(documents);
    return identity;
  }

  /**
   * Asks for the time again when the last answer is old. Never fails: a clock that is a little off moves ends of ttls
   * only.
   */
  keepTime(db: mongo.Db): void {
    const nowMs = this.parts.clock.monotonicMs();
    if (nowMs - this.clockAskedAtMs < CLOCK_EVERY_MS) return;
    this.clockAskedAtMs = nowMs;
    this.hello(db).catch(() => undefined);
  }

  /** Asks for the time, and for the run of the server. */
  private async hello(db: mongo.Db): Promise<string | undefined> {
    const { clock, serverClock } = this.parts;
    const askedAtMs = clock.monotonicMs();
    this.clockAskedAtMs = askedAtMs;
    const said = await this.helloIn(db);
    const { localTime, topologyVersion } = said as { localTime?: unknown; topologyVersion?: { processId?: unknown } };
    if (localTime instanceof Date) serverClock.note(localTime.getTime(), askedAtMs);
    const run = topologyVersion?.processId;
    return run === undefined || run === null ? undefined : JSON.stringify(run);
  }

  private async helloIn(db: mongo.Db): Promise<mongo.Document> {
    const primary = { readPreference: 'primary' } as const;
    if (this.saysOldWord !== db.client) {
      try {
        return await db.command({ hello: 1 }, primary);
      } catch (error) {
        if (!(mongoError(error) instanceof RefusedError)) throw error;
        this.saysOldWord = db.client;
      }
    }
    return db.admin().command({ isMaster: 1 }, primary);
  }

  /** Two names that differ must be two documents, and a document must stay until it is removed. */
  private async checkCollection(db: mongo.Db, name: string): Promise<void> {
    let found: readonly mongo.Document[];
    try {
      found = await db.listCollections({ name }, { nameOnly: false, readPreference: 'primary' }).toArray();
    } catch (error) {
      // Without the right to look it is taken as it is.
      if (mongoError(error) instanceof RefusedError) return;
      throw error;
    }
    const options = found.find((each) => each['name'] === name)?.['options'] as Record<string, unknown> | undefined;
    const unfit = UNFIT.find((option) => Boolean(options?.[option]));
    if (unfit === undefined) return;
    const cause = new CacheConfigError(
      'mongo.collection',
      `is a collection that was made with \`${unfit}\`: names that differ must be documents that differ, and stay. Name another`,
    );
    throw new RefusedError('the start', 'mongo', { why: `the collection is made with ${unfit}; use another`, cause });
  }

  /**
   * Everything stands on this: of several calls that change one document from the same state, one succeeds. Some
   * servers that speak the protocol let all of them succeed, and would bring back what was invalidated.
   */
  private async checkAtomicity(contest: Contest): Promise<void> {
    if (await contest.hasOneWinnerEach()) return;
    const problem =
      'this server lets several writers win the same compare-and-set of one document, so invalidated values may come back';
    if (!this.parts.isUnsafe) {
      throw new RefusedError('the start', 'mongo', { why: `${problem}; use MongoDB, or say \`unsafe: true\`` });
    }
    this.parts.warn(`${problem}; it is used all the same because of \`unsafe: true\``);
  }

  /** Asks for the index although it has been made before: it went with the collection, or was dropped. */
  async renewIndex(documents: Documents): Promise<void> {
    if (this.isIndexRefused) return;
    this.isIndexed = false;
    await this.makeIndex(documents);
  }

  /** The server may take long to build it, and nothing waits for it: expiry is judged by readers. */
  private async makeIndex(documents: Documents): Promise<void> {
    if (this.isIndexed || this.isIndexRefused) return;
    this.isIndexed = true;
    try {
      await documents.createIndex({ x: 1 }, { name: INDEX, expireAfterSeconds: 0 });
    } catch (error) {
      const reason = mongoError(error);
      this.isIndexed = false;
      this.isIndexRefused = reason instanceof RefusedError;
      // Expired entries are never served; without the index they only take room until they are cleaned up.
      if (this.isIndexRefused) {
        this.parts.warn(`the index ${INDEX} could not be made (${reason.message}); expired entries are swept instead`);
      }
    }
  }
}

/** The pool may be small, and the way to the server long: an answer that is only one of several may be missing. */
function whenNotSent(error: unknown): undefined {
  if (!isNotSent(error)) throw error;
}
