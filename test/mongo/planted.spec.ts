/** What a process that may write to the server has put among our documents: it is left out, or goes, and is not believed. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mongo } from 'mongoose';
import type { Backend } from '../../lib/core/backend.js';
import { systemClock } from '../../lib/core/clock.js';
import { compileGlob } from '../../lib/core/keys/glob.js';
import { DEFAULT_POLICY } from '../../lib/core/policy.js';
import { judge } from '../../lib/core/verdict.js';
import { recordEvents } from '../../lib/testing/record-events.js';
import { Rig } from '../support/machine/rig.js';
import { mongoBackend, type MongoBackendOptions } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { randomPrefix } from '../support/redis/redis-process.js';

jest.setTimeout(60_000);

describeWithMongo('what was planted', () => {
  let server: MongoProcess;
  let client: mongo.MongoClient;
  let backend: Backend;
  let lead: string;
  let collection: string;
  let recorded = recordEvents();
  beforeAll(async () => {
    server = await MongoProcess.start();
    client = await new mongo.MongoClient(server.url).connect();
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });
  const begin = (codec?: MongoBackendOptions['codec']): void => {
    const prefix = randomPrefix();
    collection = prefix;
    lead = `${prefix}:1:`;
    recorded = recordEvents();
    const { observer } = recorded;
    backend = mongoBackend({ uri: server.url, prefix, collection, observer, timeout: '10s', ...(codec && { codec }) });
  };
  beforeEach(() => begin());
  afterEach(() => backend.close());

  const rig = new Rig();
  const view = rig.view();
  const label = rig.machine.keyFactory.tagLabel(rig.scope(), 'tenant', 'pets');
  const keyOf = (name: string, tags: string[] = []) => rig.key(name, { tags });
  const documents = () => client.db().collection<{ _id: string }>(collection);
  const lifeOf = (labels: ReturnType<typeof keyOf>['labels']) => ({
    labels,
    freshForMs: 60_000,
    keptForMs: 60_000,
    isolation: undefined,
  });
  const write = async (name: string, value: unknown = name, tags: string[] = []): Promise<void> => {
    const key = keyOf(name, tags);
    await backend.write(key, { value, ...lifeOf(key.labels) });
  };
  const read = async (name: string): Promise<unknown> => {
    const key = keyOf(name);
    const { entry, required } = await backend.read(key);
    const isFresh =
      entry !== undefined && judge(entry, required, key, systemClock.monotonicMs(), DEFAULT_POLICY) === 'fresh';
    return isFresh ? entry.value : undefined;
  };
  const list = async (pattern = '*'): Promise<readonly string[]> =>
    (await backend.scan({ view, match: compileGlob(pattern) }, undefined)).keys;

  describe.each<readonly [string, MongoBackendOptions['codec']]>([
    ['plain', {}],
    ['signed', { encryption: { mode: 'sign', keys: [{ id: 'a', secret: randomBytes(32) }] } }],
    ['encrypted', { encryption: { keys: [{ id: 'a', secret: randomBytes(32) }] } }],
  ])('%s values', (_, codec) => {
    it('a number planted beside a value is not believed: counting goes on from the value', async () => {
      await backend.close();
      begin(codec);
      await write('calls', 5);
      await documents().updateOne({ _id: `${lead}e:t.acme:${keyOf('calls').id}` }, { $set: { q: 1_000_000 } });
      expect(await read('calls')).toBe(5);
      expect(await backend.increment(keyOf('calls'), 1, lifeOf(keyOf('calls').labels))).toBe(6);
      expect(await read('calls')).toBe(6);
      await documents().updateOne({ _id: `${lead}e:t.acme:${keyOf('calls').id}` }, { $set: { q: 1_000_000 } });
      expect(await backend.expire(keyOf('calls'), 30_000, 30_000)).toBe(true);
      expect(await read('calls')).toBe(codec?.encryption === undefined ? 1_000_000 : 6);
    });
  });

  it('a document whose name does not decode is left out of listings and patterns, told once, and goes with clear()', async () => {
    await write('tom');
    const tom = await documents().findOne({ _id: `${lead}e:t.acme:${keyOf('tom').id}` });
    for (const name of ["t.acme/cats/'%ZZ", 't.acme/cats/é%'])
      await documents().insertOne({ ...tom, _id: `${lead}e:t.acme:${name}` });
    expect(await list()).toEqual(['tom']);
    expect(await list('t*')).toEqual(['tom']);
    expect((await backend.usage(view)).entries).toBe(3);
    expect(await backend.removeMatching({ view, match: compileGlob('to?') })).toBe(1);
    expect(recorded.events.filter(({ type }) => type === 'warning')).toHaveLength(1);
    await backend.clear(view);
    expect(await list()).toEqual([]);
    expect(await documents().countDocuments({ _id: /:e:/ })).toBe(0);
  });

  it.each<readonly [string, Record<string, unknown>]>([
    ['a clock that is no number', { c: 'soon' }],
    ['a clock beyond all numbers', { c: 1e300 }],
    ['a minimum stamp that is no number', { f: {} }],
    ['no bulk', { b: null }],
    ['stamps that are none', { t: 'x' }],
    ['a generation that is none', { i: 7 }],
  ])('a state with %s goes, and with it what was valid by it', async (_, planted) => {
    await write('tom', 'tom', ['pets']);
    await documents().updateOne({ _id: `${lead}m:t.acme` }, { $set: planted });
    await backend.invalidate(view.partition, [label]);
    expect(await read('tom')).toBeUndefined();
    await write('tim', 'tim', ['pets']);
    expect(await read('tim')).toBe('tim');
    expect(await backend.clear(view)).toBe(1);
    const reply = await backend.lease(keyOf('ida'), { leaseMs: 5_000, purpose: 'missing' });
    expect(reply.kind).toBe('granted');
  });

  it.each<readonly [string, Record<string, unknown>]>([
    ['tickets that are none', { w: 'x' }],
    ['a lease that is none', { l: 'x' }],
    ['labels that are none', { g: 'pets' }],
    ['a mark that is none', { m: 5 }],
    ['a life that is none', { i: 1, s: 'x' }],
  ])('a document with %s is written, loaded and removed like any other', async (_, planted) => {
    const plant = () => documents().updateOne({ _id: `${lead}e:t.acme:${keyOf('tom').id}` }, { $set: planted });
    await write('tom', 'old');
    await plant();
    await write('tom', 'new');
    expect(await read('tom')).toBe('new');
    await plant();
    const reply = await backend.lease(keyOf('tom'), { leaseMs: 5_000, purpose: 'replace' });
    if (reply.kind !== 'granted') throw new Error(reply.kind);
    expect(await backend.fill(reply.lease, { value: 'loaded', ...lifeOf(keyOf('tom').labels) })).toBe('stored');
    expect(await read('tom')).toBe('loaded');
    await plant();
    await backend.evict([keyOf('tom')]);
    expect(await read('tom')).toBeUndefined();
  });
});
