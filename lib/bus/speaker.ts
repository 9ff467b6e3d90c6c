/**
 * Announces changes where no server does. The change has been made before it is announced, so what is lost here is not
 * lost: others notice it when they check what they keep. Whatever could not be said is said later, more roughly.
 */
import { announcement, ALL_PARTITIONS } from '../core/bus-message.js';
import type { BusParts, Change, Wire } from '../core/bus.js';
import type { Partition } from '../core/keys/partition.js';

/** How long whoever made a change waits until it is sent. */
const PATIENCE_MS = 250;
/** Partitions whose changes may be owed before everybody's are. */
const MAX_OWED = 1_000;

export class Speaker {
  /** Numbers what we say. A number is used up even when nobody heard it, so that others notice. */
  private sequence = 0;
  private readonly owed = new Set<Partition>();
  private owesEverybody = false;
  private isToldFailing = false;
  /** Changes that could not be announced when they were made, or may not have been. */
  failures = 0;

  constructor(
    private readonly wire: Wire,
    private readonly parts: BusParts,
    /** One life of one process. */
    private readonly origin: string,
  ) {}

  /** @param isWaiting false: nobody would hear it now in any case */
  async announce(partition: Partition | undefined, change: Change, isWaiting: boolean): Promise<void> {
    const sent = this.send(partition, change);
    const settled = (isWaiting ? this.inTime(sent) : sent).then((isSent) => {
      if (!isSent) this.failures++;
      this.settle(isSent, partition);
    });
    if (isWaiting) await settled;
  }

  /** What could not be said before, as far as it is known: whose it was. */
  catchUp(): void {
    const owed = [...this.owed];
    const { owesEverybody } = this;
    this.owed.clear();
    this.owesEverybody = false;
    for (const partition of owesEverybody ? [undefined] : owed) {
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

  /** What takes too long may arrive all the same. Nobody knows, so it counts as not said. */
  private async inTime(sent: Promise<boolean>): Promise<boolean> {
    let cancel = (): void => undefined;
    const tooLong = new Promise<boolean>((resolve) => {
      cancel = this.parts.clock.after(PATIENCE_MS, () => resolve(false));
    });
    return Promise.race([sent, tooLong]).finally(cancel);
  }

  private settle(isSent: boolean, partition: Partition | undefined): void {
    if (isSent) {
      this.isToldFailing = false;
      return;
    }
    if (partition === undefined || this.owed.size >= MAX_OWED) {
      this.owed.clear();
      this.owesEverybody = true;
    } else if (!this.owesEverybody) this.owed.add(partition);
    if (this.isToldFailing) return;
    this.isToldFailing = true;
    this.parts.emit.event({
      type: 'warning',
      message: 'bus: changes cannot be announced; other processes notice them when they check their copies.',
    });
  }
}
