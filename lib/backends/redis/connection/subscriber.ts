import type { Redis, RedisOptions as ClientOptions } from 'ioredis';
import type { Clock } from '../../../core/clock.js';
import { Backoff } from '../../remote/backoff.js';
import { connectorFor } from './connector.js';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;
const CONNECT_MS = 2_000;

/** What sets a subscriber apart from the client it is made from. */
const SUBSCRIBER_OPTIONS: ClientOptions = Object.freeze({
  autoResubscribe: false,
  enableOfflineQueue: false,
  enableAutoPipelining: false,
  // Channels are named in full: not every command that names one puts the prefix before it.
  keyPrefix: '',
  lazyConnect: true,
  maxRetriesPerRequest: 0,
  // Signs of life go round here, and they are what tells silence from death.
  socketTimeout: undefined,
  retryStrategy: () => null,
});

/**
 * A connection that only listens. It is used once, never resumed: what is said between two of them is lost, and the
 * wire has to know. Nothing that happens to it becomes an uncaught error.
 */
export class Subscriber {
  readonly redis: Redis;
  private readonly stopWaiting: () => void;
  private isOver = false;

  constructor(
    like: Redis,
    clock: Clock,
    private readonly onEnd: () => void,
  ) {
    this.redis = like.duplicate({ ...SUBSCRIBER_OPTIONS, Connector: connectorFor(like.options) });
    this.redis.on('error', () => undefined);
    this.redis.on('close', () => this.end());
    this.redis.on('end', () => this.end());
    this.stopWaiting = clock.after(CONNECT_MS, () => this.end());
  }

  get isListening(): boolean {
    return !this.isOver;
  }

  /** The server has confirmed the subscription; from here on signs of life have to show that it lasts. */
  settle(): void {
    this.stopWaiting();
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.stopWaiting();
    this.redis.disconnect();
    this.onEnd();
  }
}

/** Between two attempts to reach a server, by a connection that has to be made anew. */
export function reconnectBackoff(random: () => number): Backoff {
  return new Backoff(random, FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
}
