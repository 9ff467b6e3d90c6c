import type { Numbered } from '../core/bus-message.js';

/** Shards whose place is remembered. Of one that was forgotten, the next message counts as the first. */
const MAX_SHARDS = 10_000;

interface Place {
  readonly life: string;
  readonly sequence: number;
}

/**
 * Where each shard's numbering stands. Every change of a shard is numbered by the server that makes it, so a number left
 * out is a message that was lost. Numbers of another life say nothing about those of this one, even where they happen to
 * follow.
 */
export class Sequences {
  private readonly heard = new Map<string, Place>();

  /** Whether the message follows the one heard before it. Of a first one nobody knows. */
  follows({ shard, life, sequence }: Numbered): boolean {
    const before = this.heard.get(shard);
    // Put at the end, so that the shard unheard of for longest is the first.
    if (before !== undefined) this.heard.delete(shard);
    else if (this.heard.size >= MAX_SHARDS) this.heard.delete(this.heard.keys().next().value as string);
    this.heard.set(shard, { life, sequence });
    return before?.life === life && before.sequence + 1 === sequence;
  }

  forget(shard: string): void {
    this.heard.delete(shard);
  }

  clear(): void {
    this.heard.clear();
  }
}
