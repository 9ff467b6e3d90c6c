/**
 * A bus over a wire that follows partitions one by one: only those of which copies are kept. Messages about a partition
 * arrive once its server has acknowledged the subscription, and until the connection breaks, stays silent, or the
 * partition has moved to another server. In between no copies of it are kept (guarantee G5, for each by itself).
 */
import type { Bus, BusListener, BusParts, BusSettings, FollowingWire, Line } from '../core/bus.js';
import { GLOBAL_PARTITION, type Partition } from '../core/keys/partition.js';
import { MessageReader } from './message-reader.js';
import { Heartbeat } from './heartbeat.js';

export class FollowingBus implements Bus {
  /** Requested partitions, and whether messages about each arrive. The least recently requested is the first, and is unfollowed first. */
  private readonly wanted = new Map<Partition, boolean>();
  private readonly heartbeats = new Map<Line, Heartbeat>();
  /** Number of partitions whose messages arrive. */
  private activeCount = 0;
  private listener: BusListener | undefined;
  private isClosed = false;

  constructor(
    private readonly wire: FollowingWire,
    private readonly parts: BusParts,
    private readonly settings: BusSettings,
  ) {}

  start(listener: BusListener): void {
    this.listener = listener;
    const reader = new MessageReader(listener, this.parts.clock);
    this.wire.open({
      onFollowed: (partition) => this.followed(partition),
      onLost: (partition) => this.lost(partition),
      onLineUp: (line) => this.startHeartbeat(line),
      onLineDown: (line) => this.stopHeartbeat(line),
      onText: (text, line) => {
        if (this.heartbeats.get(line)?.receive(text) !== true) reader.receive(text);
      },
    });
    // So that a bus that cannot subscribe is noticed before a read needs it.
    this.hears(GLOBAL_PARTITION);
  }

  hears(partition: Partition): boolean {
    if (this.isClosed) return false;
    const isActive = this.wanted.get(partition);
    if (isActive === undefined) {
      const [oldest] = this.wanted.keys();
      if (oldest !== undefined && this.wanted.size >= this.wire.most) this.unfollow(oldest);
      this.wanted.set(partition, false);
      this.wire.follow(partition);
      return false;
    }
    this.wanted.delete(partition);
    this.wanted.set(partition, isActive);
    return isActive;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const heartbeat of this.heartbeats.values()) heartbeat.stop();
    await this.wire.close();
  }

  /** A read sent before may be answered now, with a value from before: a gap comes first. */
  private followed(partition: Partition): void {
    if (this.isClosed || this.wanted.get(partition) !== false) return;
    this.listener?.onGap(partition);
    this.wanted.set(partition, true);
    if (++this.activeCount === 1) this.listener?.onUp();
  }

  private lost(partition: Partition): void {
    if (this.isClosed || this.wanted.get(partition) !== true) return;
    this.wanted.set(partition, false);
    this.deactivated(partition);
  }

  private unfollow(partition: Partition): void {
    const wasActive = this.wanted.get(partition);
    this.wanted.delete(partition);
    this.wire.unfollow(partition);
    if (wasActive === true) this.deactivated(partition);
  }

  private deactivated(partition: Partition): void {
    this.listener?.onGap(partition);
    if (--this.activeCount === 0) this.listener?.onDown();
  }

  private startHeartbeat(line: Line): void {
    if (this.isClosed) return;
    const heartbeat = new Heartbeat(this.parts.clock, this.settings.heartbeatMs, {
      send: (sign) => line.send(sign),
      onSilence: () => line.drop(),
    });
    this.heartbeats.set(line, heartbeat);
    heartbeat.start();
  }

  private stopHeartbeat(line: Line): void {
    this.heartbeats.get(line)?.stop();
    this.heartbeats.delete(line);
  }
}
