/** Marks that are remembered. One that was displaced counts as another process's, which costs a look at the server. */
const MAX_MARKS = 4_096;

/**
 * Marks of values that this process stores, from before they are sent until the stream tells of them: events about its own
 * values must not make its own copies of them go.
 */
export class OwnWrites {
  /** Whether a stream tells of values at all. */
  isWatched = false;
  private readonly waiting = new Set<string>();

  /** To be called before the value is sent: the event about it may be here before the answer. */
  add(mark: unknown): void {
    if (!this.isWatched || typeof mark !== 'string') return;
    if (this.waiting.size >= MAX_MARKS) this.waiting.delete(this.waiting.values().next().value as string);
    this.waiting.add(mark);
  }

  /** Whether it is one of ours; the stream does not tell of it twice. */
  take(mark: unknown): boolean {
    return this.waiting.delete(mark as string);
  }
}
