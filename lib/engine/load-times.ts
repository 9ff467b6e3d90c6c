const MAX_NAMESPACES = 2_000;
/** Weight of the newest load in the running average. */
const NEWEST = 0.2;

/** How long the loads of each namespace took lately that are repeated early: what an early refresh has to be ahead of. */
export class LoadTimes {
  private readonly averageMs = new Map<string, number>();

  note(namespace: string, durationMs: number): void {
    const before = this.averageMs.get(namespace);
    // What is in use is learnt again by its next load: made-up namespaces do not keep new ones from being known.
    if (before === undefined && this.averageMs.size >= MAX_NAMESPACES)
      this.averageMs.delete(this.averageMs.keys().next().value as string);
    this.averageMs.set(namespace, before === undefined ? durationMs : before + (durationMs - before) * NEWEST);
  }

  of(namespace: string): number {
    return this.averageMs.get(namespace) ?? 0;
  }
}
