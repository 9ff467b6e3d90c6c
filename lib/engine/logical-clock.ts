/** The order of things in this process: whoever keeps the moment at which he came can tell what was sent or begun after it. */
export class LogicalClock {
  private count = 0;

  get now(): number {
    return this.count;
  }

  /** The moment of something that happens now: later than all that were kept before. */
  next(): number {
    return ++this.count;
  }
}
