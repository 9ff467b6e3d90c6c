import { ALL_PARTITIONS, MAX_MESSAGE_LENGTH, parseMessage } from '../core/bus-message.js';
import { partitionOfShard } from '../core/keys/partition.js';
import type { BusListener, BusMessage } from '../core/bus.js';
import type { Clock } from '../core/clock.js';
import type { Partition } from '../core/keys/partition.js';
import { Sequences, type Tail } from './sequences.js';

/** Messages of one turn that are looked at one by one; of the rest only whom they are about. */
const MAX_PER_TURN = 1_000;
/** The same in characters: a message may name one key, or five hundred. */
const MAX_CHARACTERS_PER_TURN = 1_000_000;
/** Partitions that a flood may be about before it is about all of them. */
const MAX_FLOODED = 1_000;
const SHARD = /^1\|(\*|(?:g|t\.[^.|]{1,768})(?:\.\d{1,3}\.\d{1,3})?)\|/;
const TAIL = /^([\w-]{0,32})\|(\d{1,16})$/;

/** Reads what comes over a wire, and tells of changes and of messages that were left out. */
export class News {
  private readonly sequences: Sequences;
  private readonly flooded = new Set<Partition>();
  private isAllFlooded = false;
  private inThisTurn = 0;
  private charactersInThisTurn = 0;

  constructor(
    private readonly listener: BusListener,
    private readonly clock: Clock,
    /** Who numbers messages. */
    private readonly by: 'shard' | 'sender' = 'shard',
  ) {
    this.sequences = new Sequences(by);
  }

  take(text: string): void {
    if (this.isFlooded(text.length)) this.glance(text);
    else this.read(text);
  }

  /** A message of a wire that leaves none out. */
  tell(message: BusMessage): void {
    if (!this.isFlooded()) this.listener.onMessage(message);
    else if (this.flooded.size <= MAX_FLOODED) this.flooded.add(message.partition);
  }

  /** What comes from here on does not follow what came before. */
  forget(): void {
    this.sequences.clear();
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
    // Somebody else speaks here too, or another version of us. Nothing that could be believed is lost with it.
    if (message === undefined) return;
    const { partition, origin, change } = message;
    // What a sender left out may have been about anybody.
    if (!this.sequences.follows(message)) this.listener.onGap(this.by === 'shard' ? partition : undefined);
    if (partition === undefined) this.listener.onGap(undefined);
    else this.listener.onMessage({ partition, origin, change });
  }

  /**
   * In a flood: whom it is about. The numbering of shards is lost, so the next message about each counts as the first;
   * senders are followed, since a gap of theirs would be about everybody.
   */
  private glance(text: string): void {
    const tail = tailOf(text);
    if (tail === undefined) return;
    const { shard } = tail;
    let isAboutAll = shard === ALL_PARTITIONS;
    if (this.by === 'shard') this.sequences.forget(tail);
    else if (!this.sequences.follows(tail)) isAboutAll = true;
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
      this.sequences.clear();
      this.listener.onGap(undefined);
    } else for (const partition of partitions) this.listener.onGap(partition);
  }
}

/** Where a message stands in its numbering, without looking at what it says. */
function tailOf(text: string): Tail | undefined {
  if (text.length > MAX_MESSAGE_LENGTH) return undefined;
  const [, shard] = SHARD.exec(text) ?? [];
  const at = text.lastIndexOf('|', text.lastIndexOf('|') - 1);
  const [, life = '', sequence] = TAIL.exec(text.slice(at + 1)) ?? [];
  return shard === undefined || sequence === undefined ? undefined : { shard, life, sequence: Number(sequence) };
}
