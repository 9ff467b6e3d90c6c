import type { BusListener, BusMessage } from '../core/bus.js';
import type { Partition } from '../core/space.js';
import type { Copies } from './tiered.copies.js';

/** What messages do to copies: they make them go, never come. */
export class Hearing implements BusListener {
  /** Resolves when messages come for the first time. */
  readonly firstUp: Promise<void>;
  isUp = false;
  private resolveFirstUp: () => void = () => undefined;

  constructor(
    private readonly copies: Copies,
    /** This process, as it announces its own changes. */
    private readonly origin: string,
  ) {
    this.firstUp = new Promise((resolve) => {
      this.resolveFirstUp = resolve;
    });
  }

  onMessage({ partition, origin, change }: BusMessage): void {
    // What was stored from here is known here, and the copy of it is newer than the news.
    if (change.kind === 'stored' && origin === this.origin) return;
    this.copies.note(partition, change);
  }

  onGap(partition: Partition | undefined): void {
    if (partition === undefined) this.copies.forgetAll();
    else this.copies.note(partition, { kind: 'all' });
  }

  onUp(): void {
    this.isUp = true;
    this.copies.turn(true);
    this.resolveFirstUp();
  }

  onDown(): void {
    this.isUp = false;
    this.copies.turn(false);
  }
}
