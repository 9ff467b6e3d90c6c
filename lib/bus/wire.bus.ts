/**
 * A bus over a wire that servers speak into: tells the listener what changed, and whenever it may have missed something.
 * A sign of life goes round by the way the messages come; when none comes back, the wire is taken for dead (guarantee G5).
 */
import type { Bus, BusListener, BusParts, BusSettings, FollowingWire, Wire } from '../core/bus.js';
import { FollowingBus } from './following.bus.js';
import { News } from './news.js';
import { Pulse } from './pulse.js';

export function wireBus(wire: Wire | FollowingWire, parts: BusParts, settings: BusSettings): Bus {
  return 'follow' in wire ? new FollowingBus(wire, parts, settings) : new WireBus(wire, parts, settings);
}

class WireBus implements Bus {
  private readonly pulse: Pulse;
  private listener: BusListener | undefined;
  private news: News | undefined;
  private isUp = false;
  private isClosed = false;

  constructor(
    private readonly wire: Wire,
    private readonly parts: BusParts,
    { heartbeatMs }: BusSettings,
  ) {
    this.pulse = new Pulse(parts.clock, heartbeatMs, {
      send: (sign) => wire.send(sign),
      onSilence: () => {
        this.down();
        wire.reconnect();
      },
    });
  }

  start(listener: BusListener): void {
    this.listener = listener;
    this.news = new News(listener, this.parts.clock);
    this.wire.open({
      onUp: () => this.up(),
      onDown: () => this.down(),
      onText: (text) => this.take(text),
    });
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

  private take(text: string): void {
    if (this.isUp && !this.pulse.takes(text)) this.news?.take(text);
  }
}
