import { PORTION } from '../async/portions.js';
import { systemClock, type Clock } from '../clock.js';
import { fingerprint } from './fingerprint.js';
import type { Partition } from './partition.js';
import type { View } from './space.js';
import { SpaceStats, type Span } from './space-stats.js';

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
  /** What it had counted when room was made last. */
  countedThen: number;

  constructor({ name, partition, path, namespace }: RowName) {
    super();
    this.name = name;
    this.partition = partition;
    this.path = path;
    this.namespace = namespace;
    this.countedThen = 0;
  }
}

/**
 * Rows kept apart. When there are more, the half that was used least since the last time is folded into the totals, and
 * their spaces begin anew. So a tenant that makes up rows by the thousand pushes out its own and those of
 * silent tenants, not those of tenants at work.
 */
const MAX_ROWS = 20_000;
/** What a row occupies beside the characters of its name. */
const ROW_BYTES = 200;
/** Partitions that lost rows are remembered by so many marks. Of two with one mark both count as having lost some. */
const MARKS = 65_536;

/** The counters of every space, and their sums over a view. Bounded: one tenant's space can be told apart, not millions. */
export class StatsRegistry {
  private rows = new Map<string, Row>();
  /** Calls that had no scope and therefore no row. Part of the sum over everything. */
  readonly unscoped = new SpaceStats();
  /** What the rows that had to go had counted. */
  private readonly forgotten = new SpaceStats();
  private nameBytes = 0;
  private readonly startedAtMs: number;
  /** When rows had to go last, by the marks of their partitions: in seconds since the beginning, none is 0. */
  private lostAtSeconds: Uint32Array | undefined = undefined;
  /** Grows when rows have gone: counters that were got before may not be among them any more. */
  revision = 0;

  constructor(private readonly clock: Pick<Clock, 'nowMs' | 'breathe'> = systemClock) {
    this.startedAtMs = clock.nowMs();
  }

  /** What all rows occupy, estimated. */
  get heldBytes(): number {
    return this.rows.size * ROW_BYTES + this.nameBytes + (this.lostAtSeconds?.byteLength ?? 0);
  }

  /** The row of a space: the same counters for the same name, so that every request of a tenant counts into one. */
  row(of: RowName): SpaceStats {
    const known = this.rows.get(of.name);
    if (known !== undefined) return known;
    if (this.rows.size >= MAX_ROWS) this.makeRoom();
    const row = new Row(of);
    this.rows.set(of.name, row);
    this.nameBytes += of.name.length;
    return row;
  }

  /**
   * The sum over a view; over everything when no view is given. In portions, so that rows are where hits count and
   * nowhere else: a sum that is kept would be one more number for every hit to bump.
   */
  async sum(view?: Pick<View, 'partition' | 'path' | 'namespace'>): Promise<SpaceStats> {
    const total = new SpaceStats();
    if (view === undefined) {
      total.add(this.forgotten);
      total.add(this.unscoped);
    }
    // Of now: rows that have to go meanwhile leave it as it is, and are counted here instead of among the forgotten.
    const { rows } = this;
    let left = PORTION;
    for (const row of rows.values()) {
      if (left-- === 0) {
        await this.clock.breathe();
        left = PORTION - 1;
      }
      if (view === undefined || covers(view, row)) total.add(row);
    }
    return total;
  }

  /** From when on the sum over a view counts. The sum over everything has lost nothing. */
  span(view?: Pick<View, 'partition'>): Span {
    const lostAt = view === undefined ? 0 : (this.lostAtSeconds?.[markOf(view.partition)] ?? 0);
    return { sinceMs: this.startedAtMs + lostAt * 1_000, isComplete: lostAt === 0 };
  }

  /** One pass for every ten thousand new rows. */
  private makeRoom(): void {
    const counted = Float64Array.from(this.rows.values(), ({ total, countedThen }) => total - countedThen).sort();
    const median = counted[MAX_ROWS / 2] as number;
    const kept = new Map<string, Row>();
    const lostAt = (this.lostAtSeconds ??= new Uint32Array(MARKS));
    const now = Math.max(1, Math.floor((this.clock.nowMs() - this.startedAtMs) / 1_000));
    let surplus = this.rows.size - MAX_ROWS / 2;
    for (const [name, row] of this.rows) {
      const { total } = row;
      if (surplus > 0 && total - row.countedThen <= median) {
        this.forgotten.add(row);
        lostAt[markOf(row.partition)] = now;
        this.nameBytes -= name.length;
        surplus--;
      } else {
        row.countedThen = total;
        kept.set(name, row);
      }
    }
    this.rows = kept;
    this.revision++;
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
