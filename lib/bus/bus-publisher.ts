/**
 * Publishes changes where no server does. The change has been made before it is published, so a lost message loses no
 * change: other processes notice it when they check their copies. A change that could not be published is published
 * later, as a change of its whole partition.
 */
import { announcement, ALL_PARTITIONS } from '../core/bus-message.js';
import type { BusParts, Change, Wire } from '../core/bus.js';
import type { Partition } from '../core/keys/partition.js';

/** How long the call that made a change waits until its message is sent. */
const SEND_TIMEOUT_MS = 250;
/** Partitions with unsent changes beyond which all partitions count as changed. */
const MAX_UNSENT = 1_000;

export class BusPublisher {
  /** The number of the last message. A number is used up even when its message is not sent, so that receivers see the gap. */
  private sequence = 0;
  private readonly unsent = new Set<Partition>();
  private isAllUnsent = false;
  private hasWarned = false;
  /** Changes that could not be published when they were made, or may not have been. */
  failures = 0;

  constructor(
    private readonly wire: Wire,
    private readonly parts: BusParts,
    /** Names this process until it ends. */
    private readonly origin: string,
  ) {}

  /** @param isAwaited false: the bus is down, so the caller does not wait for the message to be sent */
  async publish(partition: Partition | undefined, change: Change, isAwaited: boolean): Promise<void> {
    const sent = this.send(partition, change);
    const settled = (isAwaited ? this.inTime(sent) : sent).then((isSent) => {
      if (!isSent) this.failures++;
      this.settle(isSent, partition);
    });
    if (isAwaited) await settled;
  }

  /** Publishes what could not be sent before: that its partitions have changed. */
  retryUnsent(): void {
    const unsent = [...this.unsent];
    const { isAllUnsent } = this;
    this.unsent.clear();
    this.isAllUnsent = false;
    for (const partition of isAllUnsent ? [undefined] : unsent) {
      void this.send(partition, { kind: 'all' }).then((isSent) => this.settle(isSent, partition));
    }
  }

  /** False: it could not be sent. */
  private async send(partition: Partition | undefined, change: Change): Promise<boolean> {
    const text = announcement(partition ?? ALL_PARTITIONS, this.origin, change);
    try {
      await this.wire.send(`${text}|${this.origin}|${++this.sequence}`);
      return true;
    } catch {
      return false;
    }
  }

  /** A message that takes too long may still arrive. The outcome is unknown, so it counts as not sent. */
  private async inTime(sent: Promise<boolean>): Promise<boolean> {
    let cancel = (): void => undefined;
    const tooLong = new Promise<boolean>((resolve) => {
      cancel = this.parts.clock.after(SEND_TIMEOUT_MS, () => resolve(false));
    });
    return Promise.race([sent, tooLong]).finally(cancel);
  }

  private settle(isSent: boolean, partition: Partition | undefined): void {
    if (isSent) {
      this.hasWarned = false;
      return;
    }
    if (partition === undefined || this.unsent.size >= MAX_UNSENT) {
      this.unsent.clear();
      this.isAllUnsent = true;
    } else if (!this.isAllUnsent) this.unsent.add(partition);
    if (this.hasWarned) return;
    this.hasWarned = true;
    this.parts.emit.event({
      type: 'warning',
      message: 'bus: changes cannot be announced; other processes notice them when they check their copies.',
    });
  }
}
