import type { BusParts, Wire } from '../core/bus.js';
import { disown } from '../core/async/thenable.js';

/**
 * Contains the failures of a wire: one that an application has written itself may throw where no caller can catch it,
 * from a timer, or return a promise that rejects. A wire that does not open is noticed by missing heartbeats, a message
 * that is not sent by the sequence numbers. Warns once for each of its methods.
 */
export function harmlessWire(wire: Wire, { emit }: BusParts): Wire {
  const warned = new Set<string>();
  const warn = (name: string): void => {
    if (warned.has(name)) return;
    warned.add(name);
    emit.event({
      type: 'warning',
      message: `bus: \`${name}\` of the wire given by \`bus.via\` failed. Copies in memory are not kept, or are checked, until it works.`,
    });
  };
  const safely = (name: 'open' | 'reconnect', work: () => unknown): void => {
    try {
      disown(work(), () => warn(name));
    } catch {
      warn(name);
    }
  };
  return {
    open: (events) => safely('open', () => wire.open(events)),
    // The publisher awaits it, and counts what could not be sent.
    send: async (text) => wire.send(text),
    reconnect: () => safely('reconnect', () => wire.reconnect()),
    close: async () => wire.close(),
  };
}
