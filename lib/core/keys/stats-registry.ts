import { PORTION } from '../async/portions.js';
import { systemClock, type Clock } from '../clock.js';
import { fingerprint } from './fingerprint.js';
import type { Partition } from './partition.js';
import type { View } from './space.js';
import { type Counters, SpaceStats, type Span } from './space-stats.js';

interface RowName {
  readonly name: string;
  readonly partition: Partition;
  readonly path: string;
  readonly namespace: string;
}

/** Counters with their name: one object, since there is one for each tenant. */
class Row extends SpaceStats implements RowName {
  readonly name: string;
  readonly partition: Partition;
  readonly path: string;
  readonly namespace: string;
  /** What it had counted when it was looked at last. */
  countedThen: number;

  constructor({ name, partition, path, namespace }: RowName, totals: SpaceStats) {
    super(totals);
    this.name = name;
    this.partition = partition;
    this.path = path;
    this.namespace = namespace;
    this.countedThen = 0;
  }
}

/**
 * Rows kept apart. When there are more, each new one takes the place of another, and the space of that one begins anew.
 * A hand goes round over all of them: of the next few, one goes that was not used since the hand was there last, or that was
 * used least. So a tenant that makes up rows by the thousand pushes out its own and those of silent tenants, not those of
 * tenants at work; and however many there are, a new one costs a look at a few.
 */
const MAX_ROWS = 20_000;
/** Rows that are looked at for one that may go. */
const LOOKED_AT = 8;
/** What a row occupies beside the characters of its name. */
const ROW_BYTES = 220;
/** Partitions that lost rows are remembered by so many marks. Of two with one mark both count as having lost some. */
const MARKS = 65_536;

/** The counters of every space, and their sums over a view. Bounded: one tenant's space can be told apart, not millions. */
export class StatsRegistry {
  private readonly byName = new Map<string, Row>();
  /** The same rows, each in the place that it keeps. */
  private readonly rows: Row[] = [];
  /** Where the hand is. */
  private at = 0;
  private readonly sumOfAll = new SpaceStats();
  /** Calls that had no scope and therefore no row. Part of the sum over everything. */
  readonly unscoped: Counters = new SpaceStats(this.sumOfAll);
  private nameBytes = 0;
  private readonly startedAtMs: number;
  /** When rows had to go last, by the marks of their partitions: in seconds since the beginning, none is 0. */
  private lostAtSeconds: Uint32Array | undefined = undefined;

  constructor(private readonly clock: Pick<Clock, 'nowMs' | 'breathe'> = systemClock) {
    this.startedAtMs = clock.nowMs();
  }

  /** What all rows occupy, estimated. */
  get heldBytes(): number {
    return this.rows.length * ROW_BYTES + this.nameBytes + (this.lostAtSeconds?.byteLength ?? 0);
  }

  /** The row of a space: the same counters for the same name, so that every request of a tenant counts into one. */
  row(of: RowName): Counters {
    const known = this.byName.get(of.name);
    if (known !== undefined) return known;
    const row = new Row(of, this.sumOfAll);
    if (this.rows.length < MAX_ROWS) this.rows.push(row);
    else this.rows[this.makeRoom()] = row;
    this.byName.set(of.name, row);
    this.nameBytes += of.name.length;
    return row;
  }

  /** The sum over everything, with what the rows that had to go have counted. Kept: it goes on counting, and needs no walk. */
  get totals(): Counters {
    return this.sumOfAll;
  }

  /** The sum over a view, in portions. */
  async sum(view: Pick<View, 'partition' | 'path' | 'namespace'>): Promise<Counters> {
    const total = new SpaceStats();
    // Of now: a row that has to go meanwhile is counted all the same.
    const rows = this.rows.slice();
    for (let at = 0; at < rows.length; at++) {
      if (at > 0 && at % PORTION === 0) await this.clock.breathe();
      const row = rows[at] as Row;
      if (covers(view, row)) total.add(row);
    }
    return total;
  }

  /** From when on the sum over a view counts. The sum over everything has lost nothing. */
  span(view?: Pick<View, 'partition'>): Span {
    const lostAt = view === undefined ? 0 : (this.lostAtSeconds?.[markOf(view.partition)] ?? 0);
    return { sinceMs: this.startedAtMs + lostAt * 1_000, isComplete: lostAt === 0 };
  }

  /** Lets go of a row; where it was. */
  private makeRoom(): number {
    let chosen = this.at;
    let least = Infinity;
    for (let looked = 0; looked < LOOKED_AT && least > 0; looked++) {
      const row = this.rows[this.at] as Row;
      const { total } = row;
      if (total - row.countedThen < least) {
        chosen = this.at;
        least = total - row.countedThen;
      }
      row.countedThen = total;
      this.at = (this.at + 1) % MAX_ROWS;
    }
    this.letGo(this.rows[chosen] as Row);
    return chosen;
  }

  private letGo(row: Row): void {
    row.isKept = false;
    this.byName.delete(row.name);
    this.nameBytes -= row.name.length;
    this.lostAtSeconds ??= new Uint32Array(MARKS);
    const atSeconds = Math.floor((this.clock.nowMs() - this.startedAtMs) / 1_000);
    this.lostAtSeconds[markOf(row.partition)] = Math.max(1, atSeconds);
  }
}

function markOf(partition: Partition): number {
  return fingerprint(partition) % MARKS;
}

function covers(view: Pick<View, 'partition' | 'path' | 'namespace'>, row: RowName): boolean {
  return (
    row.partition === view.partition &&
    (view.path === undefined || row.path === view.path) &&
    (view.namespace === undefined || row.namespace === view.namespace)
  );
}
