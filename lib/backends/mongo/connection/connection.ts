/**
 * The way to the server: a client of our own or an adopted one, and what is known about the server that answers. Nothing
 * is asked of a server before it was probed (see MongoServerProbe), and whenever a connection or the server was lost it is
 * probed again: another one may answer, or the same one with yesterday's data, where the last invalidations have to be sent
 * again before any caller reads (guarantee G7). What was under way meanwhile counts for nothing.
 */
import type { mongo } from 'mongoose';
import { holdProcess, type Clock } from '../../../core/clock.js';
import { BackendError, CacheError } from '../../../core/errors.js';
import { untilThere } from '../../remote/start.js';
import { DriverTicks } from '../../shared/driver-ticks.js';
import { openClient } from './client.js';
import { askAgain } from './ask-again.js';
import type { Documents, Stored } from '../documents.js';
import { mongoError, problemOf } from './errors.js';
import type { ResolvedMongoOptions } from '../options.js';
import { errorIn, isAsked, writableIn, type TopologyEvent } from './topology-watch.js';

export interface ConnectionEvents {
  /** Another server answers than before, or the same one after a silence. */
  onReborn(): void;
  /** A server is there again. */
  onReachable(): void;
  /** There is none, and this word says why. */
  onProblem(problem: string): void;
  /**
   * Checks the server that answers. The name of its run, undefined where it does not tell.
   * @throws RefusedError when it cannot keep the promises
   */
  probe(db: mongo.Db, documents: Documents): Promise<string | undefined>;
  /** Called with every call. */
  onUse(db: mongo.Db): void;
}

/** A client that does not say that it has ended is left behind. */
const LONGEST_CLOSE_MS = 1_000;
/** How soon a server that could not be probed is looked for again. */
const LOOK_AGAIN_MS = 500;
const CHANGED = 'topologyDescriptionChanged';
const CLOSED = 'connectionClosed';

export class MongoConnection {
  private readonly own: mongo.MongoClient | undefined;
  private watched: mongo.MongoClient | undefined;
  private probing: Promise<void> | undefined;
  /** Fails as soon as it is known that there is no server; the probe itself goes on looking for a while. */
  private absence: Promise<never> | undefined;
  private declareAbsent: (() => void) | undefined;
  private isProbed = false;
  private isClosed = false;
  private cancelLook: (() => void) | undefined;
  private releaseProcess: (() => void) | undefined;
  /** Why there was no server, when there was none last. */
  private problem: string | undefined;
  /** The run of a server that answered last. */
  private identity: string | undefined;
  private wasProbed = false;
  /** Where was written to last. */
  private address: string | undefined;
  private isDown = false;
  private readonly ticks = new DriverTicks();
  /** Counts how often it was not sure which server answers: a call that began before counts for nothing. */
  private epoch = 0;

  constructor(
    private readonly options: ResolvedMongoOptions,
    private readonly events: ConnectionEvents,
    private readonly clock: Clock,
    /** Whether changes are watched, which takes a connection for as long as it lasts. */
    isWatched = false,
  ) {
    const connections = options.maxConnections + (isWatched ? 1 : 0);
    this.own = options.uri === undefined ? undefined : openClient(options.uri, options, connections);
  }

  /**
   * One or more commands that belong together. Where there is no server, no call waits for one, whether there ever was one
   * or not.
   * @throws BackendError, RefusedError
   */
  async run<T>(work: (documents: Documents) => Promise<T>): Promise<T> {
    // A connection that was exchanged is looked at before what was known about the old one.
    this.client();
    if (this.isDown) throw absent(this.problem);
    if (!this.isProbed) await Promise.race([this.probed(), this.absence]);
    return this.reach((documents) => work(documents));
  }

  /** The same although there was no server a moment ago; with the database as well. */
  async reach<T>(work: (documents: Documents, db: mongo.Db) => Promise<T>): Promise<T> {
    const { epoch } = this;
    this.ticks.run();
    if (!this.isProbed) await this.probed();
    let answer: T;
    try {
      answer = await askAgain(this.clock, this.options.guard.timeoutMs, async () => {
        const db = this.db();
        this.events.onUse(db);
        return work(this.documents(db), db);
      });
    } catch (error) {
      throw mongoError(error);
    }
    if (epoch !== this.epoch) throw new BackendError('a call', 'mongo', { why: 'another server took over meanwhile' });
    return answer;
  }

  /**
   * Waits for the server, for a while. An application that can do without it starts when no server answers; one that cannot
   * goes on looking.
   * @throws RefusedError when the server must not be used, BackendError when it was required and is not there
   */
  async opened(): Promise<void> {
    const { startTimeoutMs, requireOnBoot } = this.options;
    await untilThere({
      kind: 'mongo',
      clock: this.clock,
      forMs: startTimeoutMs,
      isRequired: requireOnBoot,
      look: () => this.probed(),
      why: () => this.problem,
      isClosed: () => this.isClosed,
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.releaseProcess?.();
    this.cancelLook?.();
    this.unwatch();
    if (this.own === undefined) return this.ticks.close();
    this.ticks.run();
    const closed = this.own.close().catch(() => undefined);
    await Promise.race([closed, this.clock.sleep(LONGEST_CLOSE_MS)]);
    this.ticks.close();
  }

  /** One probe for all calls that wait. One that failed is tried again by the next call, and after a while by itself. */
  private probed(): Promise<void> {
    if (this.probing !== undefined) return this.probing;
    this.ticks.run();
    // A driver that looks for a connection keeps the process alive; this one looks without one.
    if (this.own !== undefined && !this.isClosed) this.releaseProcess ??= holdProcess();
    const probing = this.probe().then(
      () => this.events.onReachable(),
      (error: unknown) => {
        if (this.probing === probing) this.probing = undefined;
        this.report(error);
        this.lookAgain();
        throw mongoError(error);
      },
    );
    this.probing = probing;
    this.absence = new Promise((_resolve, reject) => {
      this.declareAbsent = () => reject(absent(this.problem));
    });
    this.absence.catch(() => undefined);
    return probing;
  }

  private report(error: unknown): void {
    if (this.isClosed || error instanceof CacheError) return;
    this.problem = problemOf(error);
    this.events.onProblem(this.problem);
    // A server that was never there, and was looked for in vain.
    if (this.address === undefined) this.isDown = true;
  }

  private lookAgain(): void {
    if (this.isClosed || this.cancelLook !== undefined) return;
    this.cancelLook = this.clock.after(LOOK_AGAIN_MS, () => {
      this.cancelLook = undefined;
      if (!this.isProbed) this.probed().catch(() => undefined);
    });
  }

  private async probe(): Promise<void> {
    this.client();
    // A client that once failed to connect does not try again by itself.
    await this.own?.connect();
    // What was closed while it looked up names or read certificates has connected all the same.
    if (this.isClosed) await this.own?.close();
    const db = this.db();
    const { epoch } = this;
    const identity = await this.events.probe(db, this.documents(db));
    if (epoch !== this.epoch) throw new BackendError('a call', 'mongo', { why: 'another server took over meanwhile' });
    const isOther = this.wasProbed && (identity === undefined || identity !== this.identity);
    this.identity = identity;
    this.wasProbed = true;
    // The driver may have told before we listened that the server of an adopted connection is there.
    if (this.address === undefined) this.isDown = false;
    // Calls that waited for this probe overtook the invalidations that are to be sent again; the guard refuses them.
    if (isOther) this.events.onReborn();
    this.isProbed = true;
  }

  /** Which server answers is not sure: what is under way counts for nothing, and it is probed at once. */
  private probeAgain(): void {
    this.epoch++;
    this.isProbed = false;
    this.probing = undefined;
    this.probed().catch(() => undefined);
  }

  private db(): mongo.Db {
    const { connection, database } = this.options;
    return this.client().db(database ?? connection?.name);
  }

  /** The client, once there is one; from then on it is watched. */
  private client(): mongo.MongoClient {
    if (this.isClosed) throw new BackendError('a call', 'mongo', { why: 'closed' });
    const { connection } = this.options;
    const client = this.own ?? connection?.getClient();
    // A connection that was never opened has no client yet.
    if (client == null || (connection !== undefined && connection.db === undefined)) throw absent();
    if (client !== this.watched) this.watch(client);
    return client;
  }

  private watch(client: mongo.MongoClient): void {
    const isOther = this.watched !== undefined;
    this.unwatch();
    this.watched = client;
    client.on(CHANGED, this.onChange as never);
    client.on(CLOSED, this.onClosed as never);
    if (!isOther) return;
    // A connection that its owner closed and opened again: it may lead to any server.
    this.address = undefined;
    this.isDown = false;
    this.probeAgain();
  }

  /** What is read is what the majority has: a stream tells nothing else. */
  async stream(pipeline: mongo.Document[], options: mongo.AggregateOptions): Promise<mongo.AggregationCursor> {
    return this.reach(async (_documents, db) =>
      db
        .collection(this.options.collection, { readPreference: 'primary', readConcern: { level: 'majority' } })
        .aggregate(pipeline, options),
    );
  }

  private documents(db: mongo.Db): Documents {
    return db.collection<Stored>(this.options.collection, {
      readPreference: 'primary',
      readConcern: { level: 'local' },
      writeConcern: { w: 'majority', wtimeoutMS: this.options.guard.timeoutMs },
      promoteBuffers: true,
      promoteValues: true,
      promoteLongs: true,
      useBigInt64: false,
      ignoreUndefined: false,
      serializeFunctions: false,
    });
  }

  private unwatch(): void {
    this.watched?.off(CHANGED, this.onChange as never);
    this.watched?.off(CLOSED, this.onClosed as never);
  }

  private readonly onChange = ({ previousDescription, newDescription }: TopologyEvent): void => {
    const server = writableIn(newDescription);
    // A connection that was adopted was connected before it was watched.
    this.address ??= writableIn(previousDescription)?.address;
    if (server === undefined) {
      // Before the first server was there none is gone, unless all have been asked.
      if (!this.wasProbed && !isAsked(newDescription)) return;
      this.isDown = true;
      const error = errorIn(newDescription);
      if (error != null) this.problem = problemOf(error);
      this.declareAbsent?.();
      return;
    }
    const wasGone = this.isDown && this.wasProbed;
    const isOther = wasGone || (this.address !== undefined && this.address !== server.address);
    this.address = server.address;
    this.isDown = false;
    if (isOther) this.probeAgain();
  };

  /** A server may restart between two looks of the driver; its connections do not survive that. */
  private readonly onClosed = ({ reason }: { readonly reason: string }): void => {
    if (reason === 'error' && this.isProbed && !this.isClosed) this.probeAgain();
  };
}

function absent(problem = 'not connected'): BackendError {
  return new BackendError('a call', 'mongo', { why: problem });
}
