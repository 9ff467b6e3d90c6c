/** The contract of backends, over every kind of client and with every option that changes what is said to the server. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { createConnection, type Connection } from 'mongoose';
import type { ContractHarness } from '../../lib/testing/contract/contract.js';
import { mongoHarness } from '../support/mongo/contract-harness.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { isAboutTheClient, isAboutThePath, proveContract } from '../support/servers/contract-harness.js';

/** Its own types say that they are those of `mongoose`. */
const mongoose8 = createRequire(import.meta.url)('mongoose-8') as typeof import('mongoose');

describeWithMongo('MongoDB keeps the contract of backends', () => {
  let server: MongoProcess;
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterAll(() => server.stop());

  describe('spread over four shards', () => {
    proveContract(
      mongoHarness(() => ({ uri: server.url, shards: 4 })),
      isAboutThePath,
    );
  });

  describe('with values encrypted', () => {
    const codec = { encryption: { keys: [{ id: 'one', secret: randomBytes(32) }] } };
    proveContract(
      mongoHarness(() => ({ uri: server.url, codec })),
      (topic, name) => (topic === 'counting' ? isAboutThePath(topic, name) : isAboutTheClient(topic, name)),
    );
  });

  describe('over connections of mongoose 9 that are set to read from secondaries', () => {
    const { harness, end } = adopting(() =>
      createConnection(server.url, { readPreference: 'secondaryPreferred', w: 1 }).asPromise(),
    );
    proveContract(harness, isAboutTheClient);
    afterAll(end);
  });

  describe('over connections of mongoose 8', () => {
    const { harness, end } = adopting(() => mongoose8.createConnection(server.url, { maxPoolSize: 5 }).asPromise());
    proveContract(harness, isAboutTheClient);
    afterAll(end);
  });
});

/** Two connections for all cases: adopted ones are never closed. */
function adopting(make: () => Promise<Connection>): {
  readonly harness: ContractHarness;
  readonly end: () => Promise<void>;
} {
  const connections: Connection[] = [];
  let turn = 0;
  const harness = mongoHarness(() => ({ connection: connections[turn++ % 2] }));
  beforeAll(async () => {
    connections.push(await make(), await make());
  });
  return { harness, end: async () => void (await Promise.all(connections.map((each) => each.close()))) };
}
