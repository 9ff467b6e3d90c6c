import type { Clock } from '../../core/clock.js';
import type { Documents } from './documents.js';
import type { MongoConnection } from './connection/connection.js';
import type { ServerClock } from '../remote/server-clock.js';

/** How often it is looked, on average, and how late the server's own expiry may be before this helps out. */
const EVERY_MS = 300_000;
const LATE_MS = 600_000;
/** Documents taken at once, and at most in one go. */
const BATCH = 500;
const MAX_BATCHES = 40;

/**
 * Takes expired documents away where the server does not: it has no index of that kind, or its expiry is switched off.
 * Where it does, this asks for one name now and then and gets none. Nothing depends on it but room.
 */
export class MongoCleanup {
  private cancel: (() => void) | undefined;
  private isClosed = false;

  constructor(
    private readonly connection: MongoConnection,
    private readonly clock: Clock,
    private readonly serverClock: ServerClock,
    /** Uniform in [0, 1): processes do not clean up at the same moment. */
    private readonly random: () => number,
    /** Told that something was left lying: the server's own expiry is late, off, or has lost its index. */
    private readonly onLate: (documents: Documents) => Promise<void>,
  ) {}

  start(): void {
    if (this.isClosed || this.cancel !== undefined) return;
    this.cancel = this.clock.after(EVERY_MS * (0.5 + this.random()), () => {
      this.cancel = undefined;
      void this.run()
        .catch(() => 0)
        .then(() => this.start());
    });
  }

  /** How many documents went. Bounded: what is left is left to the next time. */
  async run(): Promise<number> {
    const late = new Date(this.serverClock.nowMs() - LATE_MS);
    let removed = 0;
    for (let batch = 0; batch < MAX_BATCHES && !this.isClosed; batch++) {
      const taken = await this.connection.run(async (documents) => {
        const found = await documents.find({ x: { $lt: late } }, { projection: { _id: 1 }, limit: BATCH }).toArray();
        if (found.length === 0) return 0;
        // Only if nothing has been stored there since.
        const filter = { _id: { $in: found.map(({ _id }) => _id) }, x: { $lt: late } };
        await documents.deleteMany(filter, { writeConcern: { w: 1 } });
        if (batch === 0) await this.onLate(documents);
        return found.length;
      });
      removed += taken;
      if (taken < BATCH) break;
    }
    return removed;
  }

  stop(): void {
    this.isClosed = true;
    this.cancel?.();
  }
}
