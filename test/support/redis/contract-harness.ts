import type { ContractHarness } from '../../../lib/testing/contract/contract.js';
import { LONG_TIMEOUTS, serverHarness } from '../servers/contract-harness.js';
import { redisBackend, type RedisBackendOptions } from './redis-machine.js';

/** The options are asked for again for each client. */
export function redisHarness(options: () => RedisBackendOptions): ContractHarness {
  return serverHarness((prefix, types) => {
    const { codec, ...rest } = options();
    return redisBackend({ ...LONG_TIMEOUTS, ...rest, prefix, codec: { ...codec, types } });
  });
}
