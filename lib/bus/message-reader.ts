import { ALL_PARTITIONS, MAX_MESSAGE_LENGTH, parseMessage } from '../core/bus-message.js';
import { NO_PARTITION, partitionOfShard } from '../core/keys/partition.js';
import type { BusListener, BusMessage } from '../core/bus.js';
import type { Clock } from '../core/clock.js';
import type { Partition } from '../core/keys/partition.js';
import { SequenceTracker, type SequencePosition } from './sequence-tracker.js';

/** Messages of one turn that are read in full; of the rest only the partition and the sequence number. */
const MAX_PER_TURN = 1_000;
/** The same in characters: a message may name one key, or five hundred. */
const MAX_CHARACTERS_PER_TURN = 1_000_000;
/** Partitions that a flood may name before it counts as a gap of all of them. */
const MAX_FLOODED = 1_000;
const SHARD = /^1\|(\*|(?:g|t\.[^.|]{1,768})(?:\.\d{1,3}\.\d{1,3})?)\|/;
const TAIL = /^([\w-]{0,32})\|(\d{1,16})$/;

/** Parses the messages of a wire, and reports changes and gaps to the listener. */
export class MessageReader {
  private readonly tracker: SequenceTracker;
  private readonly flooded = new Set<Partition>();
  private isAllFlooded = false;
  private inThisTurn = 0;
  private charactersInThisTurn = 0;

  constructor(
    private readonly listener: BusListener,
    private readonly clock: Clock,
    /** What numbers messages: the shard that changed, on its server, or the sender. */
    private readonly by: 'shard' | 'sender' = 'shard',
  ) {
    this.tracker = new SequenceTracker(by);
  }

  receive(text: string): void {
    if (this.isFlooded(text.length)) this.skim(text);
    else this.read(text);
  }

  /** A message of a wire that needs no numbering, because it loses none. */
  receiveParsed(message: BusMessage): void {
    if (!this.isFlooded()) this.listener.onMessage(message);
    else if (this.flooded.size <= MAX_FLOODED) this.flooded.add(message.partition);
  }

  /** Later messages do not continue the sequences seen so far. */
  reset(): void {
    this.tracker.clear();
    this.flooded.clear();
    this.isAllFlooded = false;
  }

  private isFlooded(characters = 0): boolean {
    if (this.inThisTurn++ === 0) void this.endTurn();
    this.charactersInThisTurn += characters;
    return this.inThisTurn > MAX_PER_TURN || this.charactersInThisTurn > MAX_CHARACTERS_PER_TURN;
  }

  private read(text: string): void {
    const message = parseMessage(text);
    // Another application publishes here too, or another version of the library. No change is lost by ignoring it.
    if (message === undefined) return;
    const { partition, origin, change } = message;
    // A message that a sender left out may have been about any partition.
    if (!this.tracker.follows(message)) this.listener.onGap(this.by === 'shard' ? partition : undefined);
    if (partition === undefined && change.kind !== 'labels') this.listener.onGap(undefined);
    else this.listener.onMessage({ partition: partition ?? NO_PARTITION, origin, change });
  }

  /**
   * In a flood: only the partition is read. The sequences of its shards are forgotten, so the next message about each
   * counts as the first; those of senders are tracked, since a gap in one would concern all partitions.
   */
  private skim(text: string): void {
    const position = positionOf(text);
    if (position === undefined) return;
    const { shard } = position;
    let isAboutAll = shard === ALL_PARTITIONS;
    if (this.by === 'shard') this.tracker.forget(position);
    else if (!this.tracker.follows(position)) isAboutAll = true;
    if (isAboutAll) this.isAllFlooded = true;
    else if (this.flooded.size <= MAX_FLOODED) this.flooded.add(partitionOfShard(shard));
  }

  private async endTurn(): Promise<void> {
    await this.clock.breathe();
    this.inThisTurn = 0;
    this.charactersInThisTurn = 0;
    const partitions = [...this.flooded];
    const isAll = this.isAllFlooded || partitions.length > MAX_FLOODED;
    this.flooded.clear();
    this.isAllFlooded = false;
    if (isAll) {
      this.tracker.clear();
      this.listener.onGap(undefined);
    } else for (const partition of partitions) this.listener.onGap(partition);
  }
}

/** The sequence position of a message, without parsing the change. */
function positionOf(text: string): SequencePosition | undefined {
  if (text.length > MAX_MESSAGE_LENGTH) return undefined;
  const [, shard] = SHARD.exec(text) ?? [];
  const at = text.lastIndexOf('|', text.lastIndexOf('|') - 1);
  const [, life = '', sequence] = TAIL.exec(text.slice(at + 1)) ?? [];
  return shard === undefined || sequence === undefined ? undefined : { shard, life, sequence: Number(sequence) };
}
