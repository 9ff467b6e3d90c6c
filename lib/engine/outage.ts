/**
 * Whether the backend answers, as far as this engine has noticed. While it does not, nobody can say which load may be
 * joined, so loads are shared only among callers of one and the same outage: as soon as anything got through — it may
 * have been an invalidation — the next failure is another outage, and the loads of the one before are nobody's to join.
 *
 * A known gap, and its bound: an invalidation made by another process that still reaches the backend is not seen here.
 * Callers may then get a value whose load began before it; never one that was stored.
 */
export class Outage {
  /** A plain field: every read looks at it. */
  isOn = false;
  private number = 0;

  /** What the flights of this outage have in place of a lease's token. */
  get token(): string {
    return `outage ${this.number}`;
  }

  begin(): void {
    this.isOn = true;
  }

  /** To be called whenever the backend answered. */
  end(): void {
    if (!this.isOn) return;
    this.isOn = false;
    this.number++;
  }
}
