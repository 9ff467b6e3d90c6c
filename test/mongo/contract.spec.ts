/** The contract of backends, on the server at MONGO_URL or on one of our own. */
import { describe } from '@jest/globals';
import { mongoHarness } from '../support/mongo/contract-harness.js';
import { describeOnMongo } from '../support/mongo/require-mongo.js';
import { proveContract } from '../support/servers/contract-harness.js';

describeOnMongo('MongoDB keeps the contract of backends', (url) => {
  describe('on one server', () => {
    proveContract(mongoHarness(() => ({ uri: url() })));
  });
});
