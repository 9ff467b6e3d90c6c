import { parseMessage } from '../core/bus-message.js';
import type { BusListener } from '../core/bus.js';
import type { Clock } from '../core/clock.js';
import type { Partition } from '../core/space.js';
import { Sequences } from './sequences.js';

/** Messages of one turn that are looked at one by one; of the rest only whom they are about. */
const MAX_PER_TURN = 1_000;
/** Partitions that a flood may be about before it is about all of them. */
const MAX_FLOODED = 1_000;
const SHARD = /^1\|((g|t\.[^.|]{1,768})(?:\.\d{1,3}\.\d{1,3})?)\|/;

/** Reads what comes over a wire, and tells of changes and of messages that were left out. */
export class News {
  private readonly sequences = new Sequences();
  private readonly flooded = new Set<Partition>();
  private inThisTurn = 0;

  constructor(
    private readonly listener: BusListener,
    private readonly clock: Clock,
  ) {}

  take(text: string): void {
    if (this.inThisTurn++ === 0) void this.endTurn();
    if (this.inThisTurn > MAX_PER_TURN) this.glance(text);
    else this.read(text);
  }

  /** What comes from here on does not follow what came before. */
  forget(): void {
    this.sequences.clear();
    this.flooded.clear();
  }

  private read(text: string): void {
    const message = parseMessage(text);
    // Somebody else speaks here too, or another version of us. Nothing that could be believed is lost with it.
    if (message === undefined) return;
    if (!this.sequences.follows(message)) this.listener.onGap(message.partition);
    this.listener.onMessage(message);
  }

  /** In a flood: whom it is about. Their numbering is lost, so their next message counts as the first. */
  private glance(text: string): void {
    if (this.flooded.size > MAX_FLOODED) return;
    const [, shard, partition] = SHARD.exec(text) ?? [];
    if (shard === undefined || partition === undefined) return;
    this.sequences.forget(shard);
    this.flooded.add(partition as Partition);
  }

  private async endTurn(): Promise<void> {
    await this.clock.breathe();
    this.inThisTurn = 0;
    const partitions = [...this.flooded];
    this.flooded.clear();
    if (partitions.length > MAX_FLOODED) {
      this.sequences.clear();
      this.listener.onGap(undefined);
    } else for (const partition of partitions) this.listener.onGap(partition);
  }
}
