import type { BusListener, BusMessage } from '../core/bus.js';
import type { Partition } from '../core/space.js';
import type { Copies } from './tiered.copies.js';

/** What messages do to copies: they make them go, never come. */
export class Hearing implements BusListener {
  /** Resolves when messages come for the first time, or it is known that none will. */
  readonly firstUp: Promise<void>;
  /** `off`: nobody tells anything, and copies are only checked. */
  state: 'up' | 'down' | 'off' = 'down';
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
    this.state = 'up';
    this.copies.turn(true);
    this.resolveFirstUp();
  }

  onDown(): void {
    this.state = 'down';
    this.copies.turn(false);
  }

  onNone(): void {
    this.state = 'off';
    this.copies.turn(true);
    this.resolveFirstUp();
  }
}
