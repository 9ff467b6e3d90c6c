/** A bus within one process, for several caches that share a second level there. */
import type { BusFactory, Wire, WireEvents } from '../core/bus.js';

/** Wires by the keyspace they serve. */
type Channels = Map<string, Set<LocalWire>>;

/**
 * A bus for several caches of one process over one second level: applications side by side, or modules by name. Make one
 * and give the same to all of them; those with the same `prefix` receive each other's messages. Other processes receive
 * none, and notice changes when they check their copies.
 *
 * It cannot fail: a message is delivered before the call that changed something resolves.
 *
 * @example
 * const bus = { via: localBus() };
 * const first = tiered({ l1: memory(), l2: mongo({ uri }), bus });
 * const second = tiered({ l1: memory(), l2: mongo({ uri }), bus });
 */
export function localBus(): BusFactory {
  const channels: Channels = new Map();
  return Object.freeze({
    kind: 'local',
    wire: ({ prefix }: { readonly prefix: string }) => new LocalWire(channels, prefix),
  });
}

class LocalWire implements Wire {
  private events: WireEvents | undefined;

  constructor(
    private readonly channels: Channels,
    private readonly prefix: string,
  ) {}

  open(events: WireEvents): void {
    this.events = events;
    const channel = this.channels.get(this.prefix) ?? new Set();
    this.channels.set(this.prefix, channel.add(this));
    events.onUp();
  }

  async send(text: string): Promise<void> {
    for (const { events } of this.channels.get(this.prefix) ?? []) events?.onText(text);
  }

  /** A heartbeat is missing although delivery is synchronous: this process was paused, and nothing was lost meanwhile. */
  reconnect(): void {
    this.events?.onUp();
  }

  async close(): Promise<void> {
    const channel = this.channels.get(this.prefix);
    channel?.delete(this);
    if (channel?.size === 0) this.channels.delete(this.prefix);
    this.events = undefined;
  }
}
