/**
 * A bus over a wire on which servers or processes publish: tells the listener what changed, and when messages may have
 * been missed. A heartbeat takes the way of the messages; when none comes back, the wire counts as dead (guarantee G5).
 */
import type { Bus, BusListener, BusParts, BusSettings, Change, FollowingWire, Wire } from '../core/bus.js';
import type { Partition } from '../core/keys/partition.js';
import { FollowingBus } from './following.bus.js';
import { harmlessWire } from './harmless.wire.js';
import { MessageReader } from './message-reader.js';
import { Heartbeat } from './heartbeat.js';
import { BusPublisher } from './bus-publisher.js';

export function wireBus(wire: Wire | FollowingWire, parts: BusParts, settings: BusSettings): Bus {
  return 'follow' in wire
    ? new FollowingBus(wire, parts, settings)
    : new WireBus(harmlessWire(wire, parts), parts, settings);
}

class WireBus implements Bus {
  private readonly heartbeat: Heartbeat;
  /** Undefined: the server publishes changes. */
  private readonly publisher: BusPublisher | undefined;
  private listener: BusListener | undefined;
  private reader: MessageReader | undefined;
  private isUp = false;
  /** Whether the listener knows that no messages arrive here by design. */
  private isNone = false;
  private isClosed = false;

  constructor(
    private readonly wire: Wire,
    private readonly parts: BusParts,
    { heartbeatMs, origin }: BusSettings,
  ) {
    this.publisher = origin === undefined ? undefined : new BusPublisher(wire, parts, origin);
    this.heartbeat = new Heartbeat(parts.clock, heartbeatMs, {
      // `async`, so that a wire that throws only rejects: in a timer no caller could catch it.
      send: async (sign) => {
        this.publisher?.retryUnsent();
        await wire.send(sign);
      },
      onSilence: () => {
        this.down();
        wire.reconnect();
      },
    });
  }

  get unannounced(): number {
    return this.publisher?.failures ?? 0;
  }

  start(listener: BusListener): void {
    this.listener = listener;
    this.reader = new MessageReader(listener, this.parts.clock, this.publisher === undefined ? 'shard' : 'sender');
    this.wire.open({
      onUp: () => this.up(),
      onDown: () => this.down(),
      onText: (text) => this.receive(text),
      onNews: (message) => {
        if (this.isUp) this.reader?.receiveParsed(message);
      },
      onNone: () => this.none(),
    });
  }

  async announce(partition: Partition | undefined, change: Change): Promise<void> {
    await this.publisher?.publish(partition, change, this.isUp);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.heartbeat.stop();
    await this.wire.close();
  }

  private up(): void {
    if (this.isClosed) return;
    this.reader?.reset();
    this.isUp = true;
    this.isNone = false;
    this.listener?.onUp();
    this.heartbeat.start();
  }

  private down(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.heartbeat.stop();
    this.reader?.reset();
    this.listener?.onDown();
  }

  /** Repeated calls change nothing: otherwise copies would be dropped each time. */
  private none(): void {
    if (this.isClosed || this.isNone) return;
    this.down();
    this.isNone = true;
    this.listener?.onNone();
  }

  private receive(text: string): void {
    // A wire written by the application may pass on anything it receives.
    if (this.isUp && typeof text === 'string' && !this.heartbeat.receive(text)) this.reader?.receive(text);
  }
}
