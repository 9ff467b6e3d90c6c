/** How often the limit they may have together. */
const MOST_TOGETHER = 4;

/**
 * A limit that tenants share. As long as there is room, each may have all of it; where it is used up, each still has its
 * even share. So one tenant that uses it up leaves the others theirs, and a tenant alone has the whole. Together they may
 * then have more than the limit, at most four times as much.
 */
export class FairShare<L> {
  private readonly lanes = new Map<L, number>();
  private total = 0;

  constructor(private readonly max: number) {}

  /** Whether another one may enter. */
  admits(lane: L): boolean {
    if (this.total < this.max) return true;
    const own = this.lanes.get(lane) ?? 0;
    const sharers = this.lanes.size + (own === 0 ? 1 : 0);
    return this.total < MOST_TOGETHER * this.max && own < this.max / sharers;
  }

  enter(lane: L): void {
    this.lanes.set(lane, (this.lanes.get(lane) ?? 0) + 1);
    this.total++;
  }

  /** One that has entered is over. */
  leave(lane: L): void {
    const own = this.lanes.get(lane) ?? 0;
    if (own > 1) this.lanes.set(lane, own - 1);
    else this.lanes.delete(lane);
    this.total--;
  }

  clear(): void {
    this.lanes.clear();
    this.total = 0;
  }
}
