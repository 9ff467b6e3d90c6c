import type { ContractHarness } from '../../../lib/testing/contract/contract.js';
import { PATIENCE, serverHarness } from '../servers/contract-harness.js';
import { redisBackend, type RedisBackendOptions } from './redis-machine.js';

/** The options are asked for again for each client. */
export function redisHarness(options: () => RedisBackendOptions): ContractHarness {
  return serverHarness((prefix, types) => {
    const { codec, ...rest } = options();
    return redisBackend({ ...PATIENCE, ...rest, prefix, codec: { ...codec, types } });
  });
}
