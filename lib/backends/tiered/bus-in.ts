import type { BusListener, BusMessage } from '../../core/bus.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import type { Key } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';
import type { L1Copies } from './l1-copies.js';

/** Most keys of writes with an unknown outcome that are kept. Copies of others are only checked, like all copies. */
const MAX_UNKNOWN_OUTCOMES = 1_000;

/** Applies the messages of a bus to the copies in L1: a message only ever drops copies. */
export class BusIn implements BusListener {
  /** Resolves when the bus first comes up, or reports that it has no messages to offer. */
  readonly firstUp: Promise<void>;
  /** `off`: no messages arrive by design, and copies are only checked. */
  state: 'up' | 'down' | 'off' = 'down';
  private resolveFirstUp: () => void = () => undefined;
  /** Fingerprints of keys whose write by this process was never answered. */
  private readonly unknownOutcomes = new Set<number>();

  constructor(
    private readonly copies: L1Copies,
    /** This process, as it announces its own changes. */
    private readonly origin: string,
  ) {
    this.firstUp = new Promise((resolve) => {
      this.resolveFirstUp = resolve;
    });
  }

  onMessage({ partition, origin, change }: BusMessage): void {
    // This process' own write: the copy it made is newer than the message about it.
    if (change.kind === 'stored' && origin === this.origin && !this.settlesUnknown(change.keys)) return;
    this.copies.applyChange(partition, change);
  }

  /**
   * The outcome of this write is unknown: it may still happen after the value before it has been read again. If a bus
   * message about it arrives, treat it as foreign and drop our copy.
   */
  markUnknown(keys: readonly Key[]): void {
    for (const { id } of keys) {
      if (this.unknownOutcomes.size >= MAX_UNKNOWN_OUTCOMES)
        this.unknownOutcomes.delete(this.unknownOutcomes.values().next().value as number);
      this.unknownOutcomes.add(fingerprint(id));
    }
  }

  onGap(partition: Partition | undefined): void {
    if (partition === undefined) this.copies.forgetAll();
    else this.copies.applyChange(partition, { kind: 'all' });
  }

  onUp(): void {
    this.state = 'up';
    this.copies.setEnabled(true);
    this.resolveFirstUp();
  }

  onDown(): void {
    this.state = 'down';
    this.copies.setEnabled(false);
  }

  onNone(): void {
    this.state = 'off';
    this.copies.setEnabled(true);
    this.resolveFirstUp();
  }

  private settlesUnknown(keys: readonly number[]): boolean {
    return this.unknownOutcomes.size > 0 && keys.filter((key) => this.unknownOutcomes.delete(key)).length > 0;
  }
}
