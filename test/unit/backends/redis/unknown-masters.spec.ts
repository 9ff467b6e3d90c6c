/** A cluster of which no master is known: what is to reach all of them has reached none. */
import { expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { BackendError } from '../../../../lib/core/errors.js';
import { errorOf } from '../../../support/machine/rig.js';
import { redisBackend } from '../../../support/redis/redis-machine.js';

it('A79: removing everything is not confirmed before a master is known', async () => {
  // Nothing listens there, and nothing will.
  const client = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
  client.on('error', () => undefined);
  const backend = redisBackend({ client, timeout: '50ms', longTimeout: '50ms', invalidationTimeout: 1 });
  try {
    expect(await errorOf(Promise.resolve(backend.clearEverything()))).toBeInstanceOf(BackendError);
  } finally {
    await backend.close();
    client.disconnect();
  }
});
