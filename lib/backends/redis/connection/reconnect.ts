import type { Clock } from '../../../core/clock.js';
import type { Client } from './connection.js';
import { Pauses } from './subscriber.js';

/**
 * Keeps a client of ours from ending before we end it: it is connected anew. ioredis gives up for good when sentinels
 * tell of a failover while it is still asking them for the master.
 *
 * @param random uniform in [0, 1)
 * @returns ends this care, before the client is closed
 */
export function keepConnected(client: Client, clock: Clock, random: () => number): () => void {
  const pauses = new Pauses(random);
  let cancel: (() => void) | undefined;
  const onReady = (): void => pauses.reset();
  // Whoever connects ends again when it fails.
  const onEnd = (): void => {
    cancel = clock.after(pauses.next(), () => {
      client.connect().catch(() => undefined);
    });
  };
  client.on('ready', onReady);
  client.on('end', onEnd);
  return () => {
    cancel?.();
    client.off('ready', onReady);
    client.off('end', onEnd);
  };
}
