/** A bus within one process, for several caches that share a second level there. */
import type { BusFactory, Wire, WireEvents } from '../core/bus.js';

/** Wires by the keyspace they serve. */
type Rooms = Map<string, Set<LocalWire>>;

/**
 * A bus for several caches of one process over one second level: applications side by side, or modules by name. Make one
 * and give the same to all of them; those with the same `prefix` hear each other. Other processes hear nothing, and
 * notice changes when they check their copies.
 *
 * It cannot fail: what is said has been heard before the call that changed something resolves.
 *
 * @example
 * const bus = { via: localBus() };
 * const first = tiered({ l1: memory(), l2: mongo({ uri }), bus });
 * const second = tiered({ l1: memory(), l2: mongo({ uri }), bus });
 */
export function localBus(): BusFactory {
  const rooms: Rooms = new Map();
  return Object.freeze({
    kind: 'local',
    wire: ({ prefix }: { readonly prefix: string }) => new LocalWire(rooms, prefix),
  });
}

class LocalWire implements Wire {
  private events: WireEvents | undefined;

  constructor(
    private readonly rooms: Rooms,
    private readonly prefix: string,
  ) {}

  open(events: WireEvents): void {
    this.events = events;
    const room = this.rooms.get(this.prefix) ?? new Set();
    this.rooms.set(this.prefix, room.add(this));
    events.onUp();
  }

  async send(text: string): Promise<void> {
    for (const { events } of this.rooms.get(this.prefix) ?? []) events?.onText(text);
  }

  /** Nothing came although everything comes at once: this process stood still, and what it sent before came nevertheless. */
  reconnect(): void {
    this.events?.onUp();
  }

  async close(): Promise<void> {
    const room = this.rooms.get(this.prefix);
    room?.delete(this);
    if (room?.size === 0) this.rooms.delete(this.prefix);
    this.events = undefined;
  }
}
