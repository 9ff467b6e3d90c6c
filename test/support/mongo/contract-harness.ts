import type { ContractHarness } from '../../../lib/testing/contract/contract.js';
import { PATIENCE, serverHarness } from '../servers/contract-harness.js';
import { mongoBackend, type MongoBackendOptions } from './mongo-machine.js';

/** The options are asked for again for each client. Each store is a collection of its own. */
export function mongoHarness(options: () => MongoBackendOptions): ContractHarness {
  return serverHarness((prefix, types) => {
    const { codec, ...rest } = options();
    return mongoBackend({ ...PATIENCE, collection: prefix, ...rest, prefix, codec: { ...codec, types } });
  });
}
