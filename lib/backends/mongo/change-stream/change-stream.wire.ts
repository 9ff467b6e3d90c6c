/**
 * Listens to what a MongoDB server itself says about the collection: its change stream. It tells of every change in its
 * order and leaves none out, as long as it is one stream; so nothing is numbered, and a stream that breaks is never
 * resumed but begun anew: what happened in between counts as missed.
 *
 * Signs of life go the same way: a document of this process is changed, and the stream tells of it.
 */
import type { mongo } from 'mongoose';
import type { Wire, WireEvents } from '../../../core/bus.js';
import type { Clock } from '../../../core/clock.js';
import { BackendError } from '../../../core/errors.js';
import { change, ttlIndexAt } from '../documents.js';
import { mongoError } from '../connection/errors.js';
import type { MongoConnection } from '../connection/connection.js';
import type { OwnWrites } from './own-writes.js';
import { ChangeEventReader, changePipeline, type StreamEvent } from './change-events.js';
import { nonce } from '../../shared/nonce.js';
import { RefusedError } from '../../shared/refused.error.js';
import { Backoff } from '../../remote/backoff.js';
import type { ServerClock } from '../../remote/server-clock.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** Where there are no streams, it is looked again now and then: a server may become a member of a set. */
const NONE_PAUSE_MS = 60_000;
const CONNECT_MS = 5_000;
/** How long the server may hold an empty answer back. What happens meanwhile is told at once. */
const AWAIT_MS = 250;
/** A server that hangs does not keep a process from ending. */
const LONGEST_CLOSE_MS = 200;
/** Events of one answer. */
const BATCH = 1_000;
/** A server that does not hold back empty answers is asked again after so long. */
const QUICK_MS = 5;
const POLL_MS = 20;

export interface ChangeStreamWireParts {
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly connection: MongoConnection;
  /** What every document of this cache begins with. */
  readonly lead: string;
  /** This process, as the level that keeps its copies knows it. */
  readonly origin: string;
  readonly ownWrites: OwnWrites;
  warn(problem: string): void;
}

export class ChangeStreamWire implements Wire {
  private readonly beat: string;
  private readonly reader: ChangeEventReader;
  private events: WireEvents | undefined;
  private stream: mongo.AggregationCursor<StreamEvent> | undefined;
  /** The sign of life that goes round. */
  private text = '';
  private readonly backoff: Backoff;
  private cancelRetry: (() => void) | undefined;
  private isTold = false;
  private isClosed = false;
  /** Counts attempts: what belongs to an earlier one is over. */
  private attempt = 0;

  constructor(private readonly parts: ChangeStreamWireParts) {
    this.backoff = new Backoff(parts.random, FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    this.beat = `${parts.lead}h:${nonce()}`;
    this.reader = new ChangeEventReader(parts.lead, this.beat);
  }

  open(events: WireEvents): void {
    this.events = events;
    void this.listen();
  }

  async send(text: string): Promise<void> {
    const { connection, serverClock } = this.parts;
    this.text = text;
    const x = ttlIndexAt(serverClock.nowMs());
    await connection.run((documents) =>
      documents.updateOne({ _id: this.beat }, change({ $inc: { b: 1 }, $set: { x } }), {
        upsert: true,
        writeConcern: { w: 1 },
      }),
    );
  }

  reconnect(): void {
    this.drop(this.attempt);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.attempt++;
    this.cancelRetry?.();
    await Promise.race([this.end(), this.parts.clock.sleep(LONGEST_CLOSE_MS)]);
  }

  /** One stream, from its beginning to its end. */
  private async listen(): Promise<void> {
    const attempt = ++this.attempt;
    try {
      const stream = await this.begin(attempt);
      for (;;) await this.next(stream, attempt);
    } catch (error) {
      if (attempt !== this.attempt) return;
      if (this.stream === undefined && mongoError(error) instanceof RefusedError) this.none();
      else this.drop(attempt);
    }
  }

  /** @throws RefusedError where there are no streams */
  private async begin(attempt: number): Promise<mongo.AggregationCursor<StreamEvent>> {
    const { connection, lead, clock } = this.parts;
    const giveUp = clock.after(CONNECT_MS, () => this.drop(attempt));
    try {
      const options = { tailable: true, awaitData: true, maxAwaitTimeMS: AWAIT_MS, batchSize: BATCH };
      const stream = await connection.stream(changePipeline(lead, this.beat), options);
      const first = await stream.tryNext();
      if (attempt !== this.attempt) {
        await stream.close().catch(() => undefined);
        throw new BackendError('a stream', 'mongo', { why: 'too late' });
      }
      // Some servers that have none end it instead of saying so.
      if (stream.closed) throw new RefusedError('a stream', 'mongo', { why: 'it ends as soon as it begins' });
      this.stream = stream;
      this.backoff.reset();
      this.parts.ownWrites.isWatched = true;
      this.events?.onUp();
      this.take(first);
      return stream;
    } finally {
      giveUp();
    }
  }

  private async next(stream: mongo.AggregationCursor<StreamEvent>, attempt: number): Promise<void> {
    const { clock } = this.parts;
    const askedAtMs = clock.monotonicMs();
    const event = await stream.tryNext();
    if (attempt !== this.attempt) throw new BackendError('a stream', 'mongo', { why: 'it has ended' });
    if (event !== null) this.take(event);
    else if (stream.closed) throw new BackendError('a stream', 'mongo', { why: 'it has ended' });
    else if (clock.monotonicMs() - askedAtMs < QUICK_MS) await clock.sleep(POLL_MS);
  }

  private take(event: StreamEvent | null): void {
    const meaning = event === null ? undefined : this.reader.read(event);
    if (meaning === undefined) return;
    if (meaning.kind === 'gone') throw new BackendError('a stream', 'mongo', { why: 'the collection is gone' });
    if (meaning.kind === 'alive') {
      this.events?.onText(this.text);
      return;
    }
    const { partition, change: said, mark } = meaning;
    const isOwn = mark !== undefined && this.parts.ownWrites.take(mark);
    this.events?.onNews({ partition, origin: isOwn ? this.parts.origin : '', change: said });
  }

  /** Begins anew, after a pause. */
  private drop(attempt: number): void {
    if (attempt !== this.attempt || this.isClosed) return;
    this.attempt++;
    void this.end();
    this.events?.onDown();
    this.retry(this.backoff.next());
  }

  private none(): void {
    this.attempt++;
    this.events?.onNone();
    this.retry(NONE_PAUSE_MS);
    if (this.isTold) return;
    this.isTold = true;
    this.parts.warn(
      'this server tells of no changes (no change streams, or no right to them); copies are only checked, every maxUnvalidated',
    );
  }

  private retry(waitMs: number): void {
    this.cancelRetry = this.parts.clock.after(waitMs, () => void this.listen());
  }

  /** Resolves when the server has been told. */
  private async end(): Promise<void> {
    const { stream } = this;
    this.stream = undefined;
    await stream?.close().catch(() => undefined);
  }
}
