/**
 * How processes tell each other what changed: names, never values. A message only ever makes a process forget, so one that
 * is false, late, doubled or out of order costs a look at the server; one that is lost is noticed by the numbering, and
 * otherwise outlived (guarantees G4 and G5).
 */
import type { Clock } from './clock.js';
import type { Label } from './keys/label.js';
import type { Emit } from './observer.js';
import type { Partition } from './keys/partition.js';

/**
 * - `evicted`: these keys are gone
 * - `stored`: another value stands under these keys
 * - `labels`: whatever carries one of them is invalid
 * - `labelled`: the same, by the fingerprints of labels: from a sender that does not know their names
 * - `all`: everything in the partition is
 */
export type Change =
  | { readonly kind: 'evicted' | 'stored'; readonly keys: readonly number[] }
  | { readonly kind: 'labels'; readonly labels: readonly Label[] }
  | { readonly kind: 'labelled'; readonly prints: readonly number[] }
  | { readonly kind: 'all' };

export interface BusMessage {
  /** `NO_PARTITION`: of all of them, where labels have changed. */
  readonly partition: Partition;
  /** The process that made the change. */
  readonly origin: string;
  readonly change: Change;
}

/** A level that keeps copies. */
export interface BusListener {
  onMessage(message: BusMessage): void;
  /** Messages about this partition may have been missed; undefined: about any. */
  onGap(partition: Partition | undefined): void;
  /** From here on messages come. What came before is not known. */
  onUp(): void;
  /** No message may come from here on. */
  onDown(): void;
  /** There are no messages here, and that is how it is: a level that keeps copies has to check them itself. */
  onNone(): void;
}

export interface Bus {
  /** Begins to listen; goes on trying until it is closed. */
  start(listener: BusListener): void;
  /**
   * Tells the others of a change that this process has made, where no server does. Resolves when it has been sent, or
   * when that takes too long; never rejects. Without a partition: of a change in all of them. Undefined: servers tell.
   */
  announce?(partition: Partition | undefined, change: Change): Promise<void>;
  /** Changes that could not be announced, or may not have been. */
  readonly unannounced?: number;
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
  /** The same for what needs no numbering: between `onUp` and `onDown` none is left out. */
  onNews(message: BusMessage): void;
  /** There is nothing to hear here, in any process. Should that change, `onUp` comes. */
  onNone(): void;
}

/**
 * A way to hear what a server passes on. Where the server says itself what changes, only signs of life are sent here;
 * otherwise processes announce their own changes.
 */
export interface Wire {
  open(events: WireEvents): void;
  /** To every process that listens, this one included. */
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
  /**
   * The name of this process on a wire where each process announces and numbers its own changes. Undefined: the server that makes a change
   * announces and numbers it.
   */
  readonly origin?: string | undefined;
}

/** What a wire is made from. */
export interface WireParts {
  readonly clock: Clock;
  readonly emit: Emit;
  /** The keyspace of the cache: only processes that share it hear each other. */
  readonly prefix: string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** What `redisBus()` and `localBus()` return: a description. Nothing is opened before the module starts. */
export interface BusFactory {
  readonly kind: string;
  wire(parts: WireParts): Wire;
}

/** Makes a bus of a wire. */
export type BusMaker = (wire: Wire | FollowingWire, parts: BusParts, settings: BusSettings) => Bus;
