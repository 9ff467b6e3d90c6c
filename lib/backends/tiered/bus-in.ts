import type { BusListener, BusMessage } from '../../core/bus.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import type { Key } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';
import type { Copies } from './l1-copies.js';

/** Keys in doubt that are remembered. Of those of before, copies are checked as all are. */
const MAX_DOUBTFUL = 1_000;

/** What messages do to copies: they make them go, never come. */
export class Hearing implements BusListener {
  /** Resolves when messages come for the first time, or it is known that none will. */
  readonly firstUp: Promise<void>;
  /** `off`: nobody tells anything, and copies are only checked. */
  state: 'up' | 'down' | 'off' = 'down';
  private resolveFirstUp: () => void = () => undefined;
  /** Keys that were stored from here without an answer. */
  private readonly doubtful = new Set<number>();

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
    if (change.kind === 'stored' && origin === this.origin && !this.endsDoubt(change.keys)) return;
    this.copies.note(partition, change);
  }

  /**
   * Whether these were stored from here, nobody knows: it may yet happen, when what stood there before has been read anew.
   * Should there be news of it, they are news here too.
   */
  doubt(keys: readonly Key[]): void {
    for (const { id } of keys) {
      if (this.doubtful.size >= MAX_DOUBTFUL) this.doubtful.delete(this.doubtful.values().next().value as number);
      this.doubtful.add(fingerprint(id));
    }
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

  private endsDoubt(keys: readonly number[]): boolean {
    return this.doubtful.size > 0 && keys.filter((key) => this.doubtful.delete(key)).length > 0;
  }
}
