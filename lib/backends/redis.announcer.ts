import { announcement } from '../core/bus-message.js';
import type { Change } from '../core/bus.js';
import type { Shard } from './redis.shard.js';

/** What a script needs to tell others about its change: further keys, and arguments before its own. */
export interface Announced {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

const SILENT: Announced = Object.freeze({ keys: Object.freeze([]), args: Object.freeze(['', '']) });

/** The channel of a whole cache. */
export function channelOf(lead: string): string {
  return `${lead}b`;
}

/** Puts changes into words for the scripts that make them. */
export class Announcer {
  constructor(
    /** This process, as others hear of it. Undefined: nothing is told. */
    private readonly origin: string | undefined,
    private readonly channel: string,
  ) {}

  of(shard: Shard, change: Change): Announced {
    if (this.origin === undefined) return SILENT;
    return { keys: [], args: [this.channel, announcement(shard.name, this.origin, change)] };
  }

  /** For a change that others need not hear of. */
  silently(): Announced {
    return SILENT;
  }
}
