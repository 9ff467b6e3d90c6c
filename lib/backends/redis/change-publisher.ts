import { announcement } from '../../core/bus-message.js';
import type { Change } from '../../core/bus.js';
import type { PubSub } from './options.js';
import { channelOf, type Shard } from './shards.js';

/** What a script needs to tell others about its change: further keys, and arguments before its own. */
export interface Announcement {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

export interface ChangePublisherParts {
  /** This process, as others hear of it. Undefined: nothing is told. */
  readonly origin: string | undefined;
  readonly pubSub: PubSub;
  /** What every key of this cache starts with. */
  readonly lead: string;
  /** What the client puts before every key that it sends, and not before arguments. */
  readonly keyPrefix: string;
}

const SILENT: Announcement = Object.freeze({ keys: Object.freeze([]), args: Object.freeze(['', '']) });

/** Puts changes into words for the scripts that make them. */
export class ChangePublisher {
  constructor(private readonly parts: ChangePublisherParts) {}

  of(shard: Shard, change: Change): Announcement {
    const { origin, pubSub, lead, keyPrefix } = this.parts;
    if (origin === undefined) return SILENT;
    const text = announcement(shard.name, origin, change);
    if (pubSub === 'broadcast') return { keys: [], args: [channelOf(lead), text] };
    return { keys: [shard.channel], args: [`${keyPrefix}${shard.channel}`, text] };
  }

  /** For a change that others need not hear of. */
  silently(): Announcement {
    return SILENT;
  }
}
