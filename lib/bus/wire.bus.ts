/**
 * A bus over a wire that servers or processes speak into: tells the listener what changed, and whenever it may have
 * missed something. A sign of life goes round by the way the messages come; when none comes back, the wire is taken for dead (guarantee G5).
 */
import type { Bus, BusListener, BusParts, BusSettings, Change, FollowingWire, Wire } from '../core/bus.js';
import type { Partition } from '../core/keys/partition.js';
import { FollowingBus } from './following.bus.js';
import { harmlessWire } from './harmless.wire.js';
import { News } from './news.js';
import { Pulse } from './pulse.js';
import { Speaker } from './speaker.js';

export function wireBus(wire: Wire | FollowingWire, parts: BusParts, settings: BusSettings): Bus {
  return 'follow' in wire
    ? new FollowingBus(wire, parts, settings)
    : new WireBus(harmlessWire(wire, parts), parts, settings);
}

class WireBus implements Bus {
  private readonly pulse: Pulse;
  /** Undefined: the server says what changes. */
  private readonly speaker: Speaker | undefined;
  private listener: BusListener | undefined;
  private news: News | undefined;
  private isUp = false;
  /** Whether the listener knows that there is nothing to hear. */
  private isNone = false;
  private isClosed = false;

  constructor(
    private readonly wire: Wire,
    private readonly parts: BusParts,
    { heartbeatMs, origin }: BusSettings,
  ) {
    this.speaker = origin === undefined ? undefined : new Speaker(wire, parts, origin);
    this.pulse = new Pulse(parts.clock, heartbeatMs, {
      // Also one that throws at once only fails: nobody could catch it in a timer.
      send: async (sign) => {
        this.speaker?.catchUp();
        await wire.send(sign);
      },
      onSilence: () => {
        this.down();
        wire.reconnect();
      },
    });
  }

  get unannounced(): number {
    return this.speaker?.failures ?? 0;
  }

  start(listener: BusListener): void {
    this.listener = listener;
    this.news = new News(listener, this.parts.clock, this.speaker === undefined ? 'shard' : 'sender');
    this.wire.open({
      onUp: () => this.up(),
      onDown: () => this.down(),
      onText: (text) => this.take(text),
      onNews: (message) => {
        if (this.isUp) this.news?.tell(message);
      },
      onNone: () => this.none(),
    });
  }

  async announce(partition: Partition | undefined, change: Change): Promise<void> {
    await this.speaker?.announce(partition, change, this.isUp);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.pulse.end();
    await this.wire.close();
  }

  private up(): void {
    if (this.isClosed) return;
    this.news?.forget();
    this.isUp = true;
    this.isNone = false;
    this.listener?.onUp();
    this.pulse.begin();
  }

  private down(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.pulse.end();
    this.news?.forget();
    this.listener?.onDown();
  }

  /** Looked for again and still not there is no news: copies would be forgotten each time. */
  private none(): void {
    if (this.isClosed || this.isNone) return;
    this.down();
    this.isNone = true;
    this.listener?.onNone();
  }

  private take(text: string): void {
    // A wire of the application's own may hand on whatever comes over it.
    if (this.isUp && typeof text === 'string' && !this.pulse.takes(text)) this.news?.take(text);
  }
}
