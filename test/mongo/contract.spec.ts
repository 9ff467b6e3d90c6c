/** The contract of backends, on the server at MONGO_URL or on one of our own. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { mongoHarness } from '../support/mongo/contract-harness.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { proveContract } from '../support/servers/contract-harness.js';

const { MONGO_URL: given = '' } = process.env;

describeWithMongo('MongoDB keeps the contract of backends', () => {
  let own: MongoProcess | undefined;
  beforeAll(async () => {
    if (given === '') own = await MongoProcess.start();
  });
  afterAll(() => own?.stop());

  describe('on one server', () => {
    proveContract(mongoHarness(() => ({ uri: own?.url ?? given })));
  });
});
