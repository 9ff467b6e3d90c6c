/** The order of events in this process: a caller that keeps the time of its arrival can tell what was sent or begun later. */
export class LogicalClock {
  /** The time of the last event. */
  now = 0;

  /** The time of an event that happens now: later than all before it. */
  next(): number {
    return ++this.now;
  }
}
