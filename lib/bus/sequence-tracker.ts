import type { Numbered } from '../core/bus-message.js';

/** Streams whose last number is kept. In a forgotten one, the next message counts as the first. */
const MAX_STREAMS = 10_000;

/** The part of a message that says where it stands in its sequence. */
export type SequencePosition = Pick<Numbered, 'shard' | 'life' | 'sequence'>;

/**
 * The last sequence number of each stream: of a shard, where a server numbers the changes it makes, or of a sender. A
 * missing number is a lost message. Numbers of one life of a stream say nothing about those of another, even where they
 * happen to continue; and two lives may exist side by side, in databases of one server, which share its channels.
 */
export class SequenceTracker {
  private readonly last = new Map<string, number>();

  constructor(private readonly by: 'shard' | 'sender') {}

  /**
   * Whether the message follows the one received before it. Before the first one of a stream others may have been lost;
   * but a sender whose first message is number one has sent none before.
   */
  follows(position: SequencePosition): boolean {
    const { sequence } = position;
    const stream = this.streamOf(position);
    const before = this.last.get(stream);
    // Moved to the end, so that the least recently used stream is the first.
    if (before !== undefined) this.last.delete(stream);
    else if (this.last.size >= MAX_STREAMS) this.last.delete(this.last.keys().next().value as string);
    this.last.set(stream, sequence);
    return before === undefined ? this.by === 'sender' && sequence === 1 : before + 1 === sequence;
  }

  forget(position: SequencePosition): void {
    this.last.delete(this.streamOf(position));
  }

  clear(): void {
    this.last.clear();
  }

  private streamOf({ shard, life }: SequencePosition): string {
    return this.by === 'shard' ? `${shard}|${life}` : life;
  }
}
