/** The contract of backends, on a server. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { mongoHarness } from '../support/mongo/contract-harness.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { proveContract } from '../support/redis/contract-harness.js';

describeWithMongo('the contract, on MongoDB', () => {
  let server: MongoProcess;
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterAll(() => server.stop());

  describe('by an address', () => proveContract(mongoHarness(() => ({ uri: server.url }))));
});
