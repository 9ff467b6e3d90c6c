/** What callers say never becomes an operator, a field, a regular expression or the name of another caller: rows C1 to C10 of docs/faults.md. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mongo } from 'mongoose';
import type { Clock } from '../../lib/core/clock.js';
import type { Rig } from '../support/machine/rig.js';
import { LEVELS } from '../support/mongo/levels.js';
import { mongoFactory, MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { mongo as factory } from '../../lib/backends/mongo/mongo.backend.js';

jest.setTimeout(60_000);

const TEXTS: readonly string[] = [
  '$ne',
  '{"$ne":null}',
  '$where',
  'this.x',
  '.*',
  '^',
  'a.b',
  '.',
  '..',
  '$',
  '$[]',
  '$$ROOT',
  'x.$',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '_id',
  'm',
  't',
  'l.k',
  '0',
  'g',
  'global',
  '*',
  '?',
  '[a]',
  '\\',
  '/',
  '|',
  ':',
  ',',
  '\0',
  'a\r\nb',
  '%2e',
  '\u202e',
  'é',
  'é'.normalize('NFD'),
  'Acme',
  'acme',
  'ß',
];
const OBJECTS: readonly unknown[] = [
  { $ne: null },
  { $gt: '' },
  { $regex: '.*' },
  { $where: 'sleep(1)' },
  ['$in'],
  /.*/,
  { toString: () => 'acme' },
  Buffer.from('acme'),
  Symbol('acme'),
];

describeWithMongo('what callers say', () => {
  describe.each(LEVELS)('%s', (_levels, { over }) => {
    let server: MongoProcess;
    let client: mongo.MongoClient;
    let machines: MongoMachines;
    let rig: Rig<Clock>;
    const commands: mongo.Document[] = [];
    beforeAll(async () => {
      server = await MongoProcess.start();
      client = new mongo.MongoClient(server.url, { monitorCommands: true, readPreference: 'secondaryPreferred' });
    });
    afterAll(async () => {
      await client.close();
      await server.stop();
    });
    beforeEach(async () => {
      machines = new MongoMachines();
      commands.length = 0;
      // Adopted, so that every command that goes to the server can be looked at here.
      await client.connect();
      client.removeAllListeners('commandStarted');
      client.on('commandStarted', ({ command }) => commands.push(command));
      const connection = { getClient: () => client, db: client.db(), name: 'test' } as never;
      rig = await machines.ready({
        connection,
        collection: machines.prefix,
        timeout: '10s',
        shards: 2,
        ...(over === undefined ? {} : { over }),
      });
    });
    afterEach(() => machines.close());

    it('C3 to C6, C9, C10: texts of every kind are tenants, users, keys, tags and namespaces of their own', async () => {
      const place = (text: string): object => ({ tenant: text, user: text, tags: [text], namespace: `n${text}` });
      const usable = TEXTS.filter((text) => !text.includes('@'));
      for (const text of usable) await rig.set(text, text, place(text));
      for (const text of usable) expect(await rig.get(text, place(text))).toBe(text);
      for (const [at, text] of usable.entries()) {
        const how = at % 3;
        if (how === 0) await rig.evict(text, place(text));
        else if (how === 1) await rig.invalidateTag(text, { tenant: text, user: text });
        else await rig.clear({ tenant: text });
        expect(await rig.get(text, place(text))).toBeUndefined();
        const next = usable[at + 1];
        if (next !== undefined) expect(await rig.get(next, place(next))).toBe(next);
      }
    });

    it('C32: patterns are ours: what means something to a database means itself', async () => {
      for (const text of TEXTS) await rig.set(text, text);
      const before = (await rig.machine.backend.usage(rig.view())).entries;
      for (const pattern of ['.+', '^.*$', '(a|b)', 'a{1}', '$ne', '{"$ne":null}x']) {
        const removed = await rig.removeMatching(pattern);
        expect(removed).toBe(TEXTS.includes(pattern) ? 1 : 0);
      }
      expect((await rig.machine.backend.usage(rig.view())).entries).toBe(before - 1);
    });

    it('C2: objects are neither tenants nor users, and operators in them reach no filter', async () => {
      for (const object of OBJECTS) {
        expect(() => rig.scope({ tenant: object as string })).toThrow();
        expect(() => rig.scope({ tenant: 'acme', user: object as string })).toThrow();
        expect(() => rig.key('x', { tags: [object as string] }).labels).toThrow();
      }
      await rig.set({ $ne: null }, 'hers', { user: 'ann' });
      expect(await rig.get({ $ne: null }, { user: 'ann' })).toBe('hers');
      expect(await rig.get({ $ne: 1 }, { user: 'ann' })).toBeUndefined();
      expect(await rig.get('x', { user: 'ann' })).toBeUndefined();
    });

    it('no command has a field, an operator or a regular expression that was not made here', async () => {
      for (const text of TEXTS) {
        const place = { tenant: text, user: text, tags: [text, `${text}2`] };
        await rig.set(text, text, place);
        await rig.load(`${text}x`, () => text, place);
        await rig.get(text, place);
        await rig.evict(text, place);
        await rig.invalidateTag(text, place);
        await rig.removeMatching('*', { tenant: text, user: text });
        await rig.clear({ tenant: text, namespace: 'cats' });
      }
      expect(commands.length).toBeGreaterThan(300);
      const names = new Set<string>();
      for (const command of commands) collect(command, names);
      const strange = [...names].filter((name) => !KNOWN.test(name));
      expect(strange).toEqual([]);
    });

    it('what must not be lost is acknowledged by the majority, and every read goes to the primary', async () => {
      const place = { tags: ['red'] };
      commands.length = 0;
      await rig.set('cat', 1, place);
      await rig.load('dog', () => 1, place);
      await rig.put('cow', () => 1, place);
      await rig.get('cat', place);
      const writes = commands.splice(0);
      await rig.evict('cat', place);
      await rig.invalidateTag('red');
      await rig.removeMatching('*');
      await rig.clear({ tenant: 'acme' });
      const removals = commands.splice(0).filter((command) => !('find' in command));
      expect(removals.length).toBeGreaterThan(3);
      for (const { writeConcern } of removals) expect(writeConcern).toMatchObject({ w: 'majority' });
      const values = writes.filter((command) => 'update' in command && JSON.stringify(command).includes('"v"'));
      expect(values.map(({ writeConcern }) => (writeConcern as { w: unknown }).w)).toEqual(['majority', 1, 'majority']);
      for (const { $readPreference } of writes) {
        expect($readPreference ?? { mode: 'primary' }).toMatchObject({ mode: 'primary' });
      }
    });

    it.each([
      ['neither address nor connection', {}],
      ['both', { uri: 'mongodb://x', connection: { getClient: () => undefined } }],
      ['another address', { uri: 'http://x' }],
      ['a connection that is none', { connection: { $ne: 1 } }],
      ['a collection of the server’s own', { uri: 'mongodb://x', collection: 'system.users' }],
      ['an operator for a collection', { uri: 'mongodb://x', collection: { $ne: '' } }],
      ['a dollar in a collection', { uri: 'mongodb://x', collection: '$cmd' }],
      ['another database in the name of one', { uri: 'mongodb://x', database: 'a.b' }],
      ['no shards', { uri: 'mongodb://x', shards: 0 }],
      ['an impatient guard', { uri: 'mongodb://x', timeout: '1s', longTimeout: '10ms' }],
    ])('an option that cannot work is named: %s', (_, options) => {
      expect(() => factory(options as never)).toThrow(/^mongo/);
    });

    it('an address with a password is in no error and no event', async () => {
      const uri = 'mongodb://root:hunter2@127.0.0.1:1/test';
      const away = machines.on({ uri, connectTimeout: '200ms' });
      const error = await away.evict('cat').catch((reason: unknown) => reason);
      const said = JSON.stringify([String(error), (error as Error).stack, away.recorded.events]);
      expect(said).not.toContain('hunter2');
      expect(() => factory({ uri: 'http://root:hunter2@x' })).toThrow(expect.not.stringContaining('hunter2') as never);
      expect(mongoFactory({ uri, prefix: 'p' }).kind).toBe('mongo');
    });
  });
});

/** Fields of documents, of commands and of the driver, operators that are used, and digests. */
const KNOWN =
  /^(_id|[micsfbgehlnpqvwxzktu]|l\.[kisu]|t(\.[\w-]{22}[\da-f]{8})?|w(\.[\w-]{16})?|[\w-]{16}|[\w-]{22}[\da-f]{8}|\$(in|gte?|lte?|max|set|unset|setOnInsert|inc|or|ne|not|exists)|x_1|find|update|updates|delete|deletes|insert|documents|ordered|findAndModify|query|remove|new|fields|upsert|multi|filter|projection|sort|limit|batchSize|singleBatch|writeConcern|readConcern|level|wtimeout|maxTimeMS|lsid|id|\$db|\$readPreference|mode|hello|isMaster|listCollections|cursor|nameOnly|authorizedCollections|name|createIndexes|indexes|key|expireAfterSeconds|ping|txnNumber|endSessions|\$clusterTime)$/;

function collect(value: unknown, names: Set<string>): void {
  if (value instanceof RegExp) names.add(`a regular expression: ${value.source}`);
  if (Array.isArray(value)) for (const one of value) collect(one, names);
  else if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    for (const [name, inner] of Object.entries(value)) {
      names.add(name);
      collect(inner, names);
    }
  }
}
