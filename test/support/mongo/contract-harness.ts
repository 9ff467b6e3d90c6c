import type { ContractHarness } from '../../../lib/testing/contract/contract.js';
import { afterTheNews } from '../bus/tiered-machine.js';
import { PATIENCE, serverHarness } from '../servers/contract-harness.js';
import { mongoBackend, type MongoBackendOptions } from './mongo-machine.js';

/**
 * The options are asked for again for each client. Each store is a collection of its own.
 *
 * @param heardMs before a client reads, it has had so long to hear what the others did
 */
export function mongoHarness(options: () => MongoBackendOptions, heardMs = 0): ContractHarness {
  return serverHarness(
    (prefix, types) => {
      const { codec, ...rest } = options();
      return mongoBackend({ ...PATIENCE, collection: prefix, ...rest, prefix, codec: { ...codec, types } });
    },
    (backend) => (heardMs === 0 ? backend : afterTheNews(backend, heardMs)),
  );
}
