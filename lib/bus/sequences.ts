import type { Numbered } from '../core/bus-message.js';

/** Places that are remembered. At one that was forgotten, the next message counts as the first. */
const MAX_PLACES = 10_000;

/** What of a message its numbering is about. */
export type Tail = Pick<Numbered, 'shard' | 'life' | 'sequence'>;

/**
 * Where the numberings stand: those of shards, where a server numbers the changes it makes, or those of senders. A number
 * left out is a message that was lost. Numbers of another life say nothing about those of this one, even where they
 * happen to follow; and two lives may go on beside each other, in databases of one server, which share its channels.
 */
export class Sequences {
  private readonly heard = new Map<string, number>();

  constructor(private readonly by: 'shard' | 'sender') {}

  /**
   * Whether the message follows the one heard before it. Of a first one nobody knows; but a sender whose first message
   * is number one has said nothing before.
   */
  follows(tail: Tail): boolean {
    const { sequence } = tail;
    const place = this.placeOf(tail);
    const before = this.heard.get(place);
    // Put at the end, so that what was unheard of for longest is the first.
    if (before !== undefined) this.heard.delete(place);
    else if (this.heard.size >= MAX_PLACES) this.heard.delete(this.heard.keys().next().value as string);
    this.heard.set(place, sequence);
    return before === undefined ? this.by === 'sender' && sequence === 1 : before + 1 === sequence;
  }

  forget(tail: Tail): void {
    this.heard.delete(this.placeOf(tail));
  }

  clear(): void {
    this.heard.clear();
  }

  private placeOf({ shard, life }: Tail): string {
    return this.by === 'shard' ? `${shard}|${life}` : life;
  }
}
