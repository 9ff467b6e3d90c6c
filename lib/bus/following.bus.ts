/**
 * A bus over a wire that follows partitions one by one: only those that copies are kept of. A partition is heard once its
 * server has acknowledged that, and until the connection it is heard on breaks, falls silent, or the partition has moved
 * to another server. From one such moment to the next nothing of it is kept (guarantee G5, for each by itself).
 */
import type { Bus, BusListener, BusParts, BusSettings, FollowingWire, Line } from '../core/bus.js';
import { GLOBAL_PARTITION, type Partition } from '../core/keys/partition.js';
import { News } from './news.js';
import { Pulse } from './pulse.js';

export class FollowingBus implements Bus {
  /** Whether each partition that is wanted is heard. The one unasked for longest is the first, and the first to be let go. */
  private readonly wanted = new Map<Partition, boolean>();
  private readonly pulses = new Map<Line, Pulse>();
  /** How many are heard. */
  private heard = 0;
  private listener: BusListener | undefined;
  private isClosed = false;

  constructor(
    private readonly wire: FollowingWire,
    private readonly parts: BusParts,
    private readonly settings: BusSettings,
  ) {}

  start(listener: BusListener): void {
    this.listener = listener;
    const news = new News(listener, this.parts.clock);
    this.wire.open({
      onFollowed: (partition) => this.followed(partition),
      onLost: (partition) => this.lost(partition),
      onLineUp: (line) => this.beginPulse(line),
      onLineDown: (line) => this.endPulse(line),
      onText: (text, line) => {
        if (this.pulses.get(line)?.takes(text) !== true) news.take(text);
      },
    });
    // So that a bus that cannot listen is noticed before a read needs it.
    this.hears(GLOBAL_PARTITION);
  }

  hears(partition: Partition): boolean {
    if (this.isClosed) return false;
    const isHeard = this.wanted.get(partition);
    if (isHeard === undefined) {
      const [oldest] = this.wanted.keys();
      if (oldest !== undefined && this.wanted.size >= this.wire.most) this.letGo(oldest);
      this.wanted.set(partition, false);
      this.wire.follow(partition);
      return false;
    }
    this.wanted.delete(partition);
    this.wanted.set(partition, isHeard);
    return isHeard;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const pulse of this.pulses.values()) pulse.end();
    await this.wire.close();
  }

  /** What was asked before, and is answered now, may be from before: a gap comes first. */
  private followed(partition: Partition): void {
    if (this.isClosed || this.wanted.get(partition) !== false) return;
    this.listener?.onGap(partition);
    this.wanted.set(partition, true);
    if (++this.heard === 1) this.listener?.onUp();
  }

  private lost(partition: Partition): void {
    if (this.isClosed || this.wanted.get(partition) !== true) return;
    this.wanted.set(partition, false);
    this.unheard(partition);
  }

  private letGo(partition: Partition): void {
    const wasHeard = this.wanted.get(partition);
    this.wanted.delete(partition);
    this.wire.unfollow(partition);
    if (wasHeard === true) this.unheard(partition);
  }

  private unheard(partition: Partition): void {
    this.listener?.onGap(partition);
    if (--this.heard === 0) this.listener?.onDown();
  }

  private beginPulse(line: Line): void {
    if (this.isClosed) return;
    const pulse = new Pulse(this.parts.clock, this.settings.heartbeatMs, {
      send: (sign) => line.send(sign),
      onSilence: () => line.drop(),
    });
    this.pulses.set(line, pulse);
    pulse.begin();
  }

  private endPulse(line: Line): void {
    this.pulses.get(line)?.end();
    this.pulses.delete(line);
  }
}
