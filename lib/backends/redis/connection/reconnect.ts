import type { Clock } from '../../../core/clock.js';
import type { Client } from './send-command.js';
import { reconnectBackoff } from './subscriber.js';

/**
 * Keeps a client of ours from ending before we end it: it is connected anew. ioredis gives up for good when sentinels
 * tell of a failover while it is still asking them for the master.
 *
 * @param random uniform in [0, 1)
 * @returns ends this, before the client is closed
 */
export function keepConnected(client: Client, clock: Clock, random: () => number): () => void {
  const backoff = reconnectBackoff(random);
  let cancel: (() => void) | undefined;
  const onReady = (): void => backoff.reset();
  // A connection that cannot be made ends again.
  const onEnd = (): void => {
    cancel = clock.after(backoff.next(), () => {
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
