import type { ContractHarness } from '../../../lib/testing/contract/contract.js';
import { afterMessages, inOneOrder } from '../bus/after-messages.js';
import { LONG_TIMEOUTS, serverHarness } from '../servers/contract-harness.js';
import { mongoBackend, type MongoBackendOptions } from './mongo-machine.js';

/**
 * The options are asked for again for each client. Each store is a collection of its own.
 *
 * @param isTold clients have copies and are told of changes: before one reads, it has heard what the others did
 */
export function mongoHarness(options: () => MongoBackendOptions, isTold = false): ContractHarness {
  return serverHarness(
    (prefix, types) => {
      const { codec, ...rest } = options();
      return mongoBackend({ ...LONG_TIMEOUTS, collection: prefix, ...rest, prefix, codec: { ...codec, types } });
    },
    isTold ? () => afterMessages(inOneOrder()) : undefined,
  );
}
