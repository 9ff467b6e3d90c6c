/** So many misses in a row say that most reads miss. */
const MOST_BALANCE = 12;

/** What is counted. */
export type Counted =
  'hits' | 'misses' | 'coalesced' | 'stale' | 'bypasses' | 'sets' | 'evictions' | 'displaced' | 'refused' | 'errors';

/** Counters for what counts: none is written past `hit` and `count`. */
export type Counters = Readonly<Omit<SpaceStats, 'missBalance'>> & Pick<SpaceStats, 'missBalance'>;

/**
 * The counters of one space, bumped in place on the hot path. Plain numbers on a plain object: a hit must not pay for
 * an event without a listener. Only `hit` and `count` write them, since whatever they count is counted twice: the sum over
 * all spaces is kept, not added up when it is asked for.
 */
export class SpaceStats {
  hits = 0;
  /** Reads that found nothing usable and loaded. */
  misses = 0;
  /** Reads that found nothing usable and waited for the load of another. Not counted as misses. */
  coalesced = 0;
  /** Answers from an entry past its ttl (inside its stale windows). Not counted as hits. */
  stale = 0;
  /** Calls that ran without the cache: no scope, condition said no, backend failing. */
  bypasses = 0;
  /** Entries written, by fills and by `set`. */
  sets = 0;
  /** Entries removed by name, pattern or clear. */
  evictions = 0;
  /** Entries removed because a bound was reached. */
  displaced = 0;
  /** Loaded values that were not stored: invalidated meanwhile, not storable, too large, tainted. */
  refused = 0;
  errors = 0;
  /**
   * Misses less hits of the last reads from a server: above 0 most of them missed. Bounded, so that what was long ago does not
   * count, and at its lower bound at first: what has not been read so often counts as found.
   */
  missBalance = -MOST_BALANCE;
  /** False: its registry has let go of it to make room. What goes on counting here is in the sum, and in no figure of a view. */
  isKept = true;

  constructor(private readonly sum?: SpaceStats) {}

  /** By far the most of what is counted, so it has a function of its own: one counter, known when it is compiled. */
  hit(): void {
    this.hits++;
    if (this.sum !== undefined) this.sum.hits++;
  }

  count(what: Counted, times = 1): void {
    this[what] += times;
    if (this.sum !== undefined) this.sum[what] += times;
  }

  /** A read from a server. */
  noteRead(isMiss: boolean): void {
    const balance = this.missBalance + (isMiss ? 1 : -1);
    if (balance <= MOST_BALANCE && balance >= -MOST_BALANCE) this.missBalance = balance;
  }

  /** Everything counted: grows whenever the space is used. */
  get total(): number {
    return this.hits + this.misses + this.coalesced + this.stale + this.bypasses + this.sets + this.evictions;
  }

  /** Adds another row to this one. */
  add(other: Counters): void {
    this.hits += other.hits;
    this.misses += other.misses;
    this.coalesced += other.coalesced;
    this.stale += other.stale;
    this.bypasses += other.bypasses;
    this.sets += other.sets;
    this.evictions += other.evictions;
    this.displaced += other.displaced;
    this.refused += other.refused;
    this.errors += other.errors;
  }
}

/** From when on counters count, and whether nothing that they counted before is missing. */
export interface Span {
  readonly sinceMs: number;
  readonly isComplete: boolean;
}
