/** With hashed names and encrypted values, nothing that leaves the process tells what is inside. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mongo as driver } from 'mongoose';
import { inspect } from 'node:util';
import { DEFAULT_CORE_SETTINGS } from '../../lib/assemble.js';
import { assemble } from '../support/machine/assemble.js';
import { mongo } from '../../lib/backends/mongo/mongo.backend.js';
import { CANARY, NAMESPACE, SECRETIVE, useEveryVerb } from '../support/machine/canary-word.js';
import { LEVELS } from '../support/mongo/levels.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { randomPrefix } from '../support/redis/redis-process.js';

describeWithMongo('C26: what an observer of the server, the log and the events sees', () => {
  let server: MongoProcess;
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterAll(() => server.stop());

  it.each(LEVELS)('%s, C28: with hashSecret and encryption holds nothing of users in clear', async (_, { over }) => {
    const client = await new driver.MongoClient(server.url, { monitorCommands: true }).connect();
    const seen: string[] = [];
    const note = (what: unknown): number => seen.push(inLatin(what));
    client.on('commandStarted', ({ command }) => note(command));
    client.on('commandSucceeded', ({ reply }) => note(reply));
    const connection = { getClient: () => client, db: client.db(), name: 'test' } as never;
    const prefix = randomPrefix();
    const told: string[] = [];
    const line = (text: string): number => told.push(text);
    const l2 = mongo({ connection, collection: prefix, timeout: '5s' });
    const machine = assemble({
      ...DEFAULT_CORE_SETTINGS,
      ...SECRETIVE,
      prefix,
      backend: over === undefined ? l2 : over(l2),
      observers: [(event) => told.push(inspect(event, { depth: 9 }))],
      log: { log: line, warn: line, debug: line },
    });
    await machine.backend.open?.();
    await useEveryVerb(machine, (error) => told.push(inspect(error, { depth: 9 })));
    await machine.close();
    const stored = (await client.db().collection(prefix).find().toArray()).map(inLatin);
    await client.close();
    expect(seen.length).toBeGreaterThan(10);
    expect(told.length).toBeGreaterThan(10);
    expect(stored.length).toBeGreaterThan(1);
    for (const text of [...seen, ...told, ...stored]) expect(text).not.toContain(CANARY);
    for (const text of [...seen, ...stored]) expect(text).not.toContain(NAMESPACE);
  });
});

/** Names and bytes, as a person with access would read them. */
function inLatin(what: unknown): string {
  return Buffer.from(driver.BSON.serialize(what as driver.Document)).toString('latin1');
}
