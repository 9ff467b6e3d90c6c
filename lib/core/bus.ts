/**
 * How processes tell each other what changed: names, never values. A message only ever makes somebody forget, so one that
 * is false, late, doubled or out of order costs a look at the server; one that is lost is noticed by the numbering, and
 * otherwise outlived (guarantees G4 and G5).
 */
import type { Clock } from './clock.js';
import type { Label } from './label.js';
import type { Emit } from './observer.js';
import type { Partition } from './space.js';

/**
 * - `evicted`: these keys are gone
 * - `stored`: another value stands under these keys
 * - `labels`: whatever carries one of them is invalid
 * - `all`: everything in the partition is
 */
export type Change =
  | { readonly kind: 'evicted' | 'stored'; readonly keys: readonly number[] }
  | { readonly kind: 'labels'; readonly labels: readonly Label[] }
  | { readonly kind: 'all' };

export interface BusMessage {
  readonly partition: Partition;
  /** The process that made the change. */
  readonly origin: string;
  readonly change: Change;
}

/** Whoever keeps copies. */
export interface BusListener {
  onMessage(message: BusMessage): void;
  /** Messages about this partition may have been missed; undefined: about any. */
  onGap(partition: Partition | undefined): void;
  /** From here on messages come. What came before, nobody knows. */
  onUp(): void;
  /** No message may come from here on. */
  onDown(): void;
}

export interface Bus {
  /** Begins to listen; goes on trying until it is closed. */
  start(listener: BusListener): void;
  /**
   * Whether everything that changes in this partition is heard now. To ask is to want it: a bus that follows partitions
   * one by one begins to follow those that are asked for, and stops with those unasked for longest. When one comes to be
   * heard, or no longer is, that is told as a gap. Undefined: all partitions are heard as long as the bus is up.
   */
  hears?(partition: Partition): boolean;
  close(): Promise<void>;
}

export interface WireEvents {
  /** Whatever is sent from here on arrives, or `onDown` comes. */
  onUp(): void;
  onDown(): void;
  onText(text: string): void;
}

/** A way to hear what a server passes on. What is said about changes, the server says itself; here only signs of life are sent. */
export interface Wire {
  open(events: WireEvents): void;
  /** To everybody who listens, ourselves included. */
  send(text: string): Promise<void>;
  /** Nothing comes any more although it should: begin again. */
  reconnect(): void;
  close(): Promise<void>;
}

/** One of the connections of a wire that follows partitions. */
export interface Line {
  /** By way of a channel that is heard here, another one each time. What does not come back here ends the line. */
  send(text: string): Promise<void>;
  /** Nothing comes any more although it should. */
  drop(): void;
}

export interface FollowingEvents {
  /** Whatever is said about the partition from here on arrives, or `onLost` comes. */
  onFollowed(partition: Partition): void;
  onLost(partition: Partition): void;
  /** Signs of life can go round on it from here on. */
  onLineUp(line: Line): void;
  onLineDown(line: Line): void;
  onText(text: string, line: Line): void;
}

/** A way to hear what servers pass on about the partitions that one asks for, each from the server that keeps it. */
export interface FollowingWire {
  /** Partitions that it can follow at once. */
  readonly most: number;
  open(events: FollowingEvents): void;
  /** Goes on trying until it is told not to. A partition is followed once. */
  follow(partition: Partition): void;
  /** Of a partition that is unfollowed, nothing is told any more. */
  unfollow(partition: Partition): void;
  close(): Promise<void>;
}

export interface BusParts {
  readonly clock: Clock;
  readonly emit: Emit;
}

export interface BusSettings {
  /** How often a sign of life goes round. After three without one the wire counts as dead. */
  readonly heartbeatMs: number;
}

/** Makes a bus of a wire. */
export type BusMaker = (wire: Wire | FollowingWire, parts: BusParts, settings: BusSettings) => Bus;
