/** A wire of the application's own that throws in timers, answers by promises that fail, or hands on what is no text. */
import { describe, expect, it } from '@jest/globals';
import { wireBus } from '../../lib/bus/wire.bus.js';
import type { WireEvents } from '../../lib/core/bus.js';
import { FakeClock } from '../../lib/testing/fake.clock.js';
import { recordEvents } from '../../lib/testing/record-events.js';
import { watchUnhandled } from '../support/unhandled.js';

const HEARTBEAT_MS = 1_000;
watchUnhandled();

describe.each<[string, () => never]>([
  ['throws', thrower],
  ['answers by a promise that fails', () => Promise.reject(new Error('mine')) as never],
  ['answers by a promise that never settles', () => new Promise(() => undefined) as never],
])('a wire that %s', (how, fail) => {
  it('ends nothing: messages count as unsent, silence is noticed, and each method is named once', async () => {
    const clock = new FakeClock();
    const recorded = recordEvents();
    let events: WireEvents | undefined;
    const wire = { open: (given: WireEvents) => ((events = given), fail()), send: fail, reconnect: fail, close: fail };
    const received: string[] = [];
    const listen = (name: string) => () => void received.push(name);
    const emit = { isHeard: true, event: recorded.observer };
    const bus = wireBus(wire, { clock, emit }, { heartbeatMs: HEARTBEAT_MS, origin: 'here' });
    bus.start({
      onMessage: listen('message'),
      onGap: listen('gap'),
      onUp: listen('up'),
      onDown: listen('down'),
      onNone: listen('none'),
    });
    for (let round = 0; round < 2; round++) {
      events?.onUp();
      for (const text of [undefined, null, 1, {}, Buffer.from('x'), []]) events?.onText(text as never);
      const announced = bus.announce?.(undefined, { kind: 'all' });
      await clock.advance(5 * HEARTBEAT_MS);
      await announced;
    }
    expect(received).toEqual(['up', 'down', 'up', 'down']);
    expect(bus.unannounced).toBe(2);
    const warnings = recorded.of('warning').map(({ message }) => message);
    const named = (name: string): number => warnings.filter((message) => message.includes(`\`${name}\``)).length;
    const isSilent = how.endsWith('settles');
    expect([named('open'), named('reconnect')]).toEqual(isSilent ? [0, 0] : [1, 1]);
    if (!isSilent) await bus.close().catch(() => undefined);
  });
});

function thrower(): never {
  throw new Error('mine');
}
