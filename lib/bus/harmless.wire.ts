import type { BusParts, Wire } from '../core/bus.js';
import { disown } from '../core/async/thenable.js';

/**
 * A wire whose failures end nothing: one that an application has made itself may throw where no caller can catch it,
 * from a timer, or answer by a promise that fails. What does not begin is noticed by the silence, and what is not sent
 * by the numbering. Told once for each of its methods.
 */
export function harmlessWire(wire: Wire, { emit }: BusParts): Wire {
  const told = new Set<string>();
  const tell = (name: string): void => {
    if (told.has(name)) return;
    told.add(name);
    emit.event({
      type: 'warning',
      message: `bus: \`${name}\` of the wire given by \`bus.via\` failed. Copies in memory are not kept, or are checked, until it works.`,
    });
  };
  const safely = (name: 'open' | 'reconnect', work: () => unknown): void => {
    try {
      disown(work(), () => tell(name));
    } catch {
      tell(name);
    }
  };
  return {
    open: (events) => safely('open', () => wire.open(events)),
    // Those who send wait for it, and count what could not be sent.
    send: async (text) => wire.send(text),
    reconnect: () => safely('reconnect', () => wire.reconnect()),
    close: async () => wire.close(),
  };
}
