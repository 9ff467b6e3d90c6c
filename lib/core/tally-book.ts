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
}

/** Rows kept apart. Beyond it the oldest row is folded into the totals; what its space counts afterwards is lost. */
const MAX_ROWS = 20_000;

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
    if (this.rows.size >= MAX_ROWS) this.forgetOldest();
    const tally = new Tally();
    this.rows.set(of.name, { ...of, tally });
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

  private forgetOldest(): void {
    const [name, row] = this.rows.entries().next().value as [string, Row];
    this.forgotten.add(row.tally);
    this.rows.delete(name);
  }
}

function covers(view: Pick<View, 'partition' | 'path' | 'namespace'>, row: RowName): boolean {
  return (
    row.partition === view.partition &&
    (view.path === undefined || row.path === view.path) &&
    (view.namespace === undefined || row.namespace === view.namespace)
  );
}
