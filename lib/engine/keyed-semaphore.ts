/** The ones inside, and those in line. */
interface Lane {
  inside: number;
  readonly line: Set<() => void>;
}

/** Lets a number of things happen at once in each lane; the others wait in line, first come, first served. */
export class KeyedSemaphore<L> {
  private readonly lanes = new Map<L, Lane>();

  constructor(private readonly max: number) {}

  /** Calls `enter` now or when its turn comes; each must `leave` in the end. The answer ends the waiting at once. */
  pass(name: L, enter: () => void): () => void {
    let lane = this.lanes.get(name);
    if (lane === undefined) this.lanes.set(name, (lane = { inside: 0, line: new Set() }));
    const { line } = lane;
    if (lane.inside < this.max) {
      lane.inside++;
      enter();
      return () => undefined;
    }
    line.add(enter);
    return () => {
      if (!line.delete(enter)) return;
      lane.inside++;
      enter();
    };
  }

  leave(name: L): void {
    const lane = this.lanes.get(name);
    if (lane === undefined) return;
    lane.inside--;
    const [next] = lane.line;
    if (next !== undefined && lane.inside < this.max) {
      lane.line.delete(next);
      lane.inside++;
      next();
    } else if (lane.inside === 0) {
      this.lanes.delete(name);
    }
  }
}
