import type { Partition, View } from './space.js';
import { Tally } from './tally.js';

interface RowName {
  readonly name: string;
  readonly partition: Partition;
  readonly path: string;
  readonly namespace: string;
}

interface Row extends RowName {
  readonly tally: Tally;
  /** What the tally had counted when its turn to go came last. */
  countedThen: number;
}

/**
 * Rows kept apart. Beyond it an old row that has been idle is folded into the totals; what its space should count after
 * all from then on is lost.
 */
const MAX_ROWS = 20_000;
/** Rows looked at to find an idle one. After that the next goes, idle or not. */
const MAX_CHANCES = 16;

/** The counters of every space, and their sums over a view. Bounded: one tenant's space can be told apart, not millions. */
export class TallyBook {
  private readonly rows = new Map<string, Row>();
  /** Calls that had no scope and therefore no row. Part of the sum over everything. */
  readonly unscoped = new Tally();
  /** What the rows that had to go had counted. */
  private readonly forgotten = new Tally();

  /** The row of a space: the same tally for the same name, so that every request of a tenant counts into one. */
  row(of: RowName): Tally {
    const known = this.rows.get(of.name);
    if (known !== undefined) return known.tally;
    if (this.rows.size >= MAX_ROWS) this.forgetOne();
    const tally = new Tally();
    this.rows.set(of.name, { ...of, tally, countedThen: 0 });
    return tally;
  }

  /** The sum over a view; over everything when no view is given. */
  sum(view?: Pick<View, 'partition' | 'path' | 'namespace'>): Tally {
    const total = new Tally();
    if (view === undefined) {
      total.add(this.forgotten);
      total.add(this.unscoped);
    }
    for (const row of this.rows.values()) {
      if (view === undefined || covers(view, row)) total.add(row.tally);
    }
    return total;
  }

  /**
   * The oldest rows are often the busiest: a row that counted something since its last turn goes to the end of the queue.
   * Rows by the thousand, made up by one tenant, so push out each other and whoever is silent, not who is at work.
   */
  private forgetOne(): void {
    let chances = MAX_CHANCES;
    for (const [name, row] of this.rows) {
      const counted = row.tally.total;
      this.rows.delete(name);
      if (counted === row.countedThen || --chances === 0) {
        this.forgotten.add(row.tally);
        return;
      }
      row.countedThen = counted;
      this.rows.set(name, row);
    }
  }
}

function covers(view: Pick<View, 'partition' | 'path' | 'namespace'>, row: RowName): boolean {
  return (
    row.partition === view.partition &&
    (view.path === undefined || row.path === view.path) &&
    (view.namespace === undefined || row.namespace === view.namespace)
  );
}
