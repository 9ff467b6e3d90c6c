import { expect, it } from '@jest/globals';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { machineClock, systemClock, type Clock } from '../../../lib/core/clock.js';

/** As a long computation does: no timer fires, and nothing is read. */
function compute(forMs: number): void {
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs);
}

it.each<[string, Clock]>([
  ['of the machine', machineClock],
  ['of an application', systemClock],
])(
  'A75: a timer %s that is late waits until what has arrived is read; one that is cancelled meanwhile is',
  async (_, clock) => {
    // It answers, and then computes for long: the answer has arrived, and the timers of this process are late.
    const server = createServer((socket) =>
      socket.on('data', (bytes) => {
        socket.write(bytes);
        compute(100);
      }),
    );
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const socket: Socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await new Promise((resolve) => {
      socket.once('connect', resolve);
    });
    try {
      const order: string[] = [];
      let cancel = (): void => undefined;
      socket.once('data', () => {
        order.push('answer');
        cancel();
      });
      const fired = new Promise<void>((resolve) => {
        clock.after(20, () => {
          order.push('timer');
          resolve();
        });
      });
      cancel = clock.after(20, () => order.push('cancelled'));
      socket.write('ping');
      await fired;
      expect(order).toEqual(['answer', 'timer']);
    } finally {
      socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    }
  },
);
