/** The way to the server: who answers, what was asked before that was known, and what waits for a connection. */
import { afterEach, expect, it, jest } from '@jest/globals';
import dns from 'node:dns';
import { createConnection, type Connection, type mongo } from 'mongoose';
import { BackendError } from '../../lib/core/errors.js';
import { failCommands } from '../support/mongo/fail-command.js';
import { mongoBackend, MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess, withDb } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { SpareServers } from '../support/mongo/spare-servers.js';
import { standIn } from '../support/mongo/stand-in.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { pause, until } from '../support/redis/redis-process.js';

jest.setTimeout(60_000);

const LONG_TIMEOUTS = { failures: 1_000, timeout: '5s', invalidationTimeout: '10s' } as const;

describeWithMongo('the way to a MongoDB', () => {
  const machines = new MongoMachines();
  const servers = new SpareServers();
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    await machines.close();
    for (const end of ends.splice(0).reverse()) await end();
  });
  const start = async (): Promise<{ server: MongoProcess; proxy: TcpProxy; through: string }> => {
    const server = await servers.take();
    ends.push(() => servers.giveBack(server));
    const proxy = await TcpProxy.before(server.port);
    ends.push(() => proxy.close());
    return { server, proxy, through: `mongodb://127.0.0.1:${proxy.port}/test` };
  };
  const connect = async (url: string): Promise<Connection> => {
    const connection = await createConnection(url).asPromise();
    ends.push(() => connection.close(true));
    return connection;
  };
  /** Puts back what was there before, as a server does that was restored. */
  const remembering = async (server: MongoProcess, act: () => Promise<unknown>): Promise<void> => {
    const all = (db: mongo.Db): mongo.Collection => db.collection('scoped_cache');
    const before = await withDb(server.url, (db) => all(db).find().toArray());
    await act();
    await withDb(server.url, async (db) => {
      await all(db).deleteMany({});
      await all(db).insertMany(before);
    });
  };

  it('G7: what the driver asks again by itself, of the server that answers now, is not believed', async () => {
    const { server, proxy, through } = await start();
    const hellos = new Hellos();
    const rig = await machines.ready({ connection: hellos.of(await connect(through)), ...LONG_TIMEOUTS });
    await rig.set('cat', 'old');
    await remembering(server, () => rig.evict('cat'));
    hellos.hold();
    hellos.run = 'another';
    proxy.delayMs = 600;
    const reading = Promise.resolve(rig.backend.read(rig.key('cat')));
    await pause(15);
    proxy.reset();
    proxy.delayMs = 0;
    // It has an answer long before it is known who gave it.
    await expect(reading).rejects.toBeInstanceOf(BackendError);
    hellos.release();
    await until('it is known who answers', async () => (await rig.load('probe', () => 1)) === (await rig.get('probe')));
    expect(await rig.get('cat')).toBeUndefined();
  });

  it('G7: a server that answered before another took over does not vouch for the other', async () => {
    const { server, through } = await start();
    const hellos = new Hellos();
    const connection = await connect(through);
    const rig = await machines.ready({ connection: hellos.of(connection), ...LONG_TIMEOUTS });
    await rig.set('cat', 'old');
    await remembering(server, () => rig.evict('cat'));
    const topologyOf = (address: string) => ({ servers: new Map([[address, { type: 'RSPrimary', address }]]) });
    const taken = (from: string, to: string): void => {
      const change = { previousDescription: topologyOf(from), newDescription: topologyOf(to) };
      connection.getClient().emit('topologyDescriptionChanged', change as never);
    };
    hellos.hold();
    taken('one:27017', 'two:27017');
    await until('it is asked who it is', () => hellos.held === 1);
    hellos.run = 'another';
    taken('two:27017', 'three:27017');
    await until('the other is asked as well', () => hellos.held === 2);
    const reading = rig.get('cat');
    // The first says that it is the one that was there all the time, and so nothing has to be sent again. The other is silent.
    hellos.releaseFirst();
    await pause(80);
    hellos.release();
    expect(await reading.catch(() => undefined)).toBeUndefined();
    await until('it is known who answers', async () => (await rig.load('probe', () => 1)) === (await rig.get('probe')));
    expect(await rig.get('cat')).toBeUndefined();
  });

  it('G7: a connection of yours that you close, and open somewhere else, leads to a server that is asked who it is', async () => {
    const [{ server }, { server: other }] = [await start(), await start()];
    const connection = await connect(server.url);
    const rig = await machines.ready({ connection, ...LONG_TIMEOUTS });
    await rig.set('cat', 'old');
    const before = await withDb(server.url, (db) => db.collection('scoped_cache').find().toArray());
    await rig.evict('cat');
    // It has what the first one had, and has never heard of the eviction.
    await withDb(other.url, (db) => db.collection('scoped_cache').insertMany(before));
    await connection.close();
    await connection.openUri(other.url);
    const seen = new Set([await rig.get('cat')]);
    await until('the other is used', async () => {
      seen.add(await rig.get('cat'));
      return (await rig.load('probe', () => 1)) === (await rig.get('probe'));
    });
    expect([...seen.add(await rig.get('cat'))]).toEqual([undefined]);
  });

  it('a server behind a connection that was opened somewhere else has to be able to compare and set, too', async () => {
    const [{ server }, { server: other }] = [await start(), await start()];
    const connection = await connect(server.url);
    const rig = await machines.ready({ connection, ...LONG_TIMEOUTS });
    await failCommands(other.url, { failCommands: ['update'], claims: { ok: 1, n: 1, nModified: 1 } }, 'always');
    await connection.close();
    await connection.openUri(other.url);
    await expect(Promise.resolve(rig.backend.read(rig.key('cat')))).rejects.toThrow('several writers win');
  });

  it('A50: what is asked after the end connects to no server, and a start that is under way ends', async () => {
    const { proxy, through } = await start();
    const never = mongoBackend({ uri: through });
    await never.close();
    await expect(Promise.resolve(never.ping())).rejects.toThrow('closed');
    expect(proxy.connections).toBe(0);
    proxy.mode = 'blackhole';
    const starting = mongoBackend({ uri: through, requireOnBoot: true, connectTimeout: '1h' });
    ends.push(() => starting.close());
    const outcome = Promise.resolve(starting.open?.()).catch((error: unknown) => error);
    await until('it looks for a server', () => proxy.connections > 0);
    await starting.close();
    expect(await outcome).toMatchObject({ message: expect.stringContaining('closed') });
  });

  it('A50: what is closed while it looks up where its servers are keeps no connection', async () => {
    const { proxy } = await start();
    let found: () => void = () => undefined;
    const looked = new Promise<void>((resolve) => {
      found = resolve;
    });
    const server = { name: 'one.cache.test', port: proxy.port, priority: 0, weight: 0 };
    const names = jest.spyOn(dns.promises, 'resolve').mockImplementation((async (_name: string, kind: string) => {
      if (kind === 'TXT') throw Object.assign(new Error('none'), { code: 'ENODATA' });
      await looked;
      return [server];
    }) as never);
    ends.push(() => names.mockRestore());
    const lookup: typeof dns.lookup = ((_name: string, options: object, done: never) =>
      dns.lookup('127.0.0.1', options, done)) as never;
    const uri = 'mongodb+srv://all.cache.test/test?tls=false';
    const backend = mongoBackend({ uri, clientOptions: { lookup }, connectTimeout: '1s' });
    await backend.open?.();
    await backend.close();
    found();
    await until('it has connected', () => proxy.connections > 0);
    await until('it has let go', () => proxy.open === 0, 3_000);
  });

  it.each([
    [1, 30],
    [2, 60],
  ])('a pool of %i and a way of %i ms to the server are no reason not to start', async (maxConnections, delayMs) => {
    const { proxy, through } = await start();
    proxy.delayMs = delayMs;
    const backend = mongoBackend({ uri: through, maxConnections, requireOnBoot: true, connectTimeout: '10s' });
    ends.push(() => backend.close());
    await backend.open?.();
    await backend.ping();
  });

  it('reads go to the primary, also when it is asked how the collection was made', async () => {
    const { server } = await start();
    const connection = await connect(server.url);
    const client = connection.getClient();
    const asked: unknown[] = [];
    const named = (name?: string): mongo.Db => {
      const db = client.db(name);
      const listCollections = (filter: mongo.Document, options: mongo.ListCollectionsOptions): unknown => {
        asked.push(options.readPreference);
        return db.listCollections(filter, options);
      };
      return standIn(db, { listCollections });
    };
    const other = standIn(client, { db: named });
    await machines.ready({ connection: standIn(connection, { getClient: () => other }), ...LONG_TIMEOUTS });
    expect(asked).toEqual(['primary']);
  });

  it('A56: what has waited for a connection until its caller gave up is not sent', async () => {
    const { server, proxy, through } = await start();
    const rig = await machines.ready({ uri: through, maxConnections: 1, failures: 1_000, timeout: '1s' });
    await (await machines.ready({ uri: server.url, ...LONG_TIMEOUTS })).set('cat', 'Tom');
    server.halt();
    const calls: Promise<unknown>[] = [];
    for (let turn = 0; turn < 40; turn++) {
      calls.push(Promise.resolve(rig.backend.read(rig.key(`k${turn}`))).catch(() => undefined));
      // A turn each, or they would be one question.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(calls);
    await pause(100);
    const before = proxy.bytesUp;
    server.resume();
    await pause(400);
    // A question has more than two hundred bytes; signs of life and the probe go round meanwhile.
    expect(proxy.bytesUp - before).toBeLessThan(20 * 200);
    await until('the server is used again', async () => (await rig.get('cat')) === 'Tom');
  });
});

/** Answers to the question who is there, held back as long as the test likes. */
class Hellos {
  private readonly waiting: (() => void)[] = [];
  private isHeld = false;
  /** The name of the run of the server, as it is said from now on. */
  run = 'one';

  get held(): number {
    return this.waiting.length;
  }

  hold(): void {
    this.isHeld = true;
  }

  releaseFirst(): void {
    this.waiting.shift()?.();
  }

  release(): void {
    this.isHeld = false;
    for (const go of this.waiting.splice(0)) go();
  }

  of(connection: Connection): Connection {
    const client = connection.getClient();
    const held = (real: { command: Ask }): { command: Ask } => ({
      command: async (asked, options) => {
        if ('ping' in asked) return real.command(asked, options);
        const { run } = this;
        const said = await real.command(asked, options);
        if (this.isHeld) await new Promise<void>((resolve) => this.waiting.push(resolve));
        return { ...said, topologyVersion: { processId: run } };
      },
    });
    const named = (name?: string): mongo.Db => {
      const db = client.db(name);
      // Some servers know only the older word for it, which is said to another database.
      return standIn(db, { ...held(db), admin: () => held(db.admin()) });
    };
    const other = standIn(client, { db: named });
    return standIn(connection, { getClient: () => other });
  }
}

type Ask = (asked: mongo.Document, options?: object) => Promise<mongo.Document>;
