import type { Redis } from 'ioredis';
import type { Line } from '../../../core/bus.js';
import type { Clock } from '../../../core/clock.js';
import { Subscriber } from '../connection/subscriber.js';

/** Signs of life sent after one that has not come back by its channel, before the connection is given up. */
const MAX_MISSED = 3;

export interface ShardSubscriberEvents {
  /** The first channel is heard: signs of life can go round. */
  onUp(subscriber: Line): void;
  /** What is said in the channel from here on arrives, or `onDown` names it. */
  onHeard(channel: string): void;
  /** The server does not let us listen there. */
  onRefused(channel: string): void;
  /** @param channels all that were to be heard here */
  onDown(subscriber: Line, channels: readonly string[]): void;
  onText(text: string, subscriber: Line): void;
}

export interface ShardSubscriberParts {
  readonly clock: Clock;
  /** By way of the client for commands, which knows where the channel is now. */
  readonly publish: (channel: string, text: string) => Promise<unknown>;
}

/** One attempt to hear a channel. */
interface Attempt {
  readonly channel: string;
}

/**
 * A connection to one server, on which the channels of its slots are heard. A server takes a channel away when its slot
 * moves, without being asked, and the client does not say which one it was (some of its versions take that for the answer
 * to another command). Then the whole subscriber goes, and everything is followed anew.
 */
export class ShardSubscriber implements Line {
  private readonly subscriber: Subscriber;
  private readonly ready: Promise<void>;
  private readonly attempts = new Map<string, Attempt>();
  /** Channels that are heard, the one that a sign was sent by longest ago first. */
  private readonly heard = new Set<string>();
  /** Which sign went out by a channel in which nothing has been heard since. */
  private readonly due = new Map<string, number>();
  private signs = 0;
  /** How many channels the server counted in its last answer. */
  private counted = 0;
  private isUp = false;

  constructor(
    like: Redis,
    private readonly parts: ShardSubscriberParts,
    private readonly events: ShardSubscriberEvents,
  ) {
    this.subscriber = new Subscriber(like, parts.clock, () => this.events.onDown(this, [...this.attempts.keys()]));
    const { redis } = this.subscriber;
    redis.on('error', () => this.drop());
    redis.on('moved', () => this.drop());
    redis.on('smessage', (channel: string, text: string) => {
      if (!this.subscriber.isListening) return;
      this.due.delete(channel);
      this.events.onText(text, this);
    });
    this.ready = redis.connect();
    this.ready.catch(() => this.drop());
  }

  /**
   * Until one channel is heard, one is tried: without the right to listen, thousands of requests would be refused one
   * by one.
   */
  get isOpen(): boolean {
    return this.isUp || this.attempts.size === 0;
  }

  follow(channel: string): void {
    const attempt = { channel };
    this.attempts.set(channel, attempt);
    this.ready
      .then(() => this.subscriber.redis.ssubscribe(channel))
      .then(
        (count) => this.answered(attempt, Number(count)),
        () => this.refused(attempt),
      );
  }

  unfollow(channel: string): void {
    if (!this.attempts.delete(channel)) return;
    this.heard.delete(channel);
    this.due.delete(channel);
    if (this.attempts.size === 0) {
      this.drop();
      return;
    }
    this.ready
      .then(() => this.subscriber.redis.sunsubscribe(channel))
      .then(
        (count) => {
          this.counted = Number(count);
        },
        () => this.drop(),
      );
  }

  async send(text: string): Promise<void> {
    const [channel] = this.heard;
    const [oldest] = this.due.values();
    if (oldest !== undefined && this.signs - oldest > MAX_MISSED) this.drop();
    if (channel === undefined || !this.subscriber.isListening) return;
    this.heard.delete(channel);
    this.heard.add(channel);
    const sign = ++this.signs;
    if (!this.due.has(channel)) this.due.set(channel, sign);
    try {
      await this.parts.publish(channel, text);
    } catch (error) {
      // What was not sent need not come back.
      if (this.due.get(channel) === sign) this.due.delete(channel);
      throw error;
    }
  }

  drop(): void {
    this.subscriber.end();
  }

  private answered(attempt: Attempt, count: number): void {
    const { channel } = attempt;
    const areFewer = count < this.counted;
    this.counted = count;
    // Then this is no answer, but a channel was taken away.
    if (areFewer) this.drop();
    if (!this.subscriber.isListening) return;
    // Unfollowed meanwhile, and perhaps followed again: that attempt has an answer of its own.
    if (this.attempts.get(channel) !== attempt) return;
    this.heard.add(channel);
    if (!this.isUp) {
      this.isUp = true;
      this.subscriber.settle();
      this.events.onUp(this);
    }
    this.events.onHeard(channel);
  }

  private refused(attempt: Attempt): void {
    const { channel } = attempt;
    if (!this.subscriber.isListening || this.attempts.get(channel) !== attempt) return;
    this.attempts.delete(channel);
    if (this.attempts.size === 0) this.drop();
    this.events.onRefused(channel);
  }
}
