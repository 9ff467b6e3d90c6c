import type { Numbered } from '../core/bus-message.js';

/** Places that are remembered. At one that was forgotten, the next message counts as the first. */
const MAX_PLACES = 10_000;

interface Place {
  readonly life: string;
  readonly sequence: number;
}

/** What of a message its numbering is about. */
export type Tail = Pick<Numbered, 'shard' | 'life' | 'sequence'>;

/**
 * Where the numberings stand: those of shards, where a server numbers the changes it makes, or those of senders. A number
 * left out is a message that was lost. Numbers of another life say nothing about those of this one, even where they
 * happen to follow.
 */
export class Sequences {
  private readonly heard = new Map<string, Place>();

  constructor(private readonly by: 'shard' | 'sender') {}

  /**
   * Whether the message follows the one heard before it. Of a first one nobody knows; but a sender whose first message
   * is number one has said nothing before.
   */
  follows({ shard, life, sequence }: Tail): boolean {
    const place = this.by === 'shard' ? shard : life;
    const before = this.heard.get(place);
    // Put at the end, so that what was unheard of for longest is the first.
    if (before !== undefined) this.heard.delete(place);
    else if (this.heard.size >= MAX_PLACES) this.heard.delete(this.heard.keys().next().value as string);
    this.heard.set(place, { life, sequence });
    if (before === undefined) return this.by === 'sender' && sequence === 1;
    return before.life === life && before.sequence + 1 === sequence;
  }

  forget(shard: string): void {
    this.heard.delete(shard);
  }

  clear(): void {
    this.heard.clear();
  }
}
