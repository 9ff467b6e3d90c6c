import type { Label } from './label.js';
import type { Partition } from './space.js';
import type { Stamp } from './stamp.js';

/** What processes tell each other: names and stamps, never values. */
export interface BusMessage {
  readonly partition: Partition;
  /** Position in the partition's sequence; a gap means that something was missed. */
  readonly sequence: number;
  readonly stamp: Stamp;
  /** Digests of evicted keys. */
  readonly keys?: readonly string[] | undefined;
  readonly labels?: readonly Label[] | undefined;
  readonly isClear?: boolean | undefined;
}

/** Carries invalidations between the first levels of several processes. */
export interface Bus {
  publish(message: BusMessage): Promise<void>;
  subscribe(onMessage: (message: BusMessage) => void, onGap: () => void): Promise<void>;
  close(): Promise<void>;
}
