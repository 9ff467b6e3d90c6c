/** MongoDB servers for tests: started on free ports of the loopback, killed, halted, and started again in the same place. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mongo } from 'mongoose';
import { freePort, until } from '../redis/redis-process.js';
import { findMongo, type FoundMongo } from '../servers/mongo.server.js';
import { ServerProcess } from '../servers/server-process.js';

const TEST_COMMANDS = ['--setParameter', 'enableTestCommands=1'];
const READY = /^ready|Waiting for connections/m;

export interface MongoProcessOptions {
  readonly port?: number;
  /** By how much the server's wall clock is wrong. Only a server of the kind `java` can be told. */
  readonly clockShiftMs?: number;
  /** Whether it tells of changes: a replica set of one. */
  readonly hasStreams?: boolean;
}

export class MongoProcess extends ServerProcess {
  private constructor(
    port: number,
    dir: string,
    private readonly found: FoundMongo,
    private readonly clockShiftMs: number,
    private readonly hasStreams: boolean,
  ) {
    super(port, dir);
  }

  static async start(options?: MongoProcessOptions): Promise<MongoProcess> {
    const server = await MongoProcess.nowhere(options);
    await server.begin();
    return server;
  }

  /** A place where no server is. */
  static async nowhere(options: MongoProcessOptions = {}): Promise<MongoProcess> {
    const { port, clockShiftMs = 0, hasStreams = false } = options;
    const found = findMongo();
    if ('missing' in found) throw new Error(found.missing);
    const dir = await mkdtemp(join(tmpdir(), 'scoped-cache-mongo-'));
    return new MongoProcess(port ?? (await freePort()), dir, found, clockShiftMs, hasStreams);
  }

  get url(): string {
    return `mongodb://127.0.0.1:${this.port}/test${this.isSet ? '?directConnection=true' : ''}`;
  }

  /** Whether it is still there after a restart what was stored before. */
  get isLasting(): boolean {
    return this.found.kind === 'mongod';
  }

  private get isSet(): boolean {
    return this.hasStreams && this.found.kind === 'mongod';
  }

  async begin(): Promise<void> {
    const { command, args, kind } = this.found;
    const { port, dir, clockShiftMs, hasStreams } = this;
    const settings =
      kind === 'java'
        ? [String(port), String(clockShiftMs), hasStreams ? 'streams' : 'alone']
        : ['--port', String(port), '--bind_ip', '127.0.0.1', '--dbpath', dir, ...TEST_COMMANDS];
    if (this.isSet) settings.push('--replSet', 'test');
    await this.run(command, [...args, ...settings], READY);
    if (this.isSet) await this.elect();
  }

  /** A set of one elects itself. */
  private async elect(): Promise<void> {
    const members = [{ _id: 0, host: `127.0.0.1:${this.port}` }];
    const isPrimary = (db: mongo.Db): Promise<boolean> =>
      db.command({ hello: 1 }).then(({ isWritablePrimary }) => isWritablePrimary === true);
    await withDb(this.url, async (db) => {
      const begun = db.admin().command({ replSetInitiate: { _id: 'test', members } });
      // After a restart it knows already.
      await begun.catch(() => undefined);
      await until('there is a primary', () => isPrimary(db));
    });
  }

  /** The same place, with nothing in it. */
  async restartEmpty(): Promise<void> {
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
    await mkdir(this.dir, { recursive: true });
    await this.begin();
  }
}

/** Work with the database of an address, over a connection of its own. */
export async function withDb<T>(url: string, work: (db: mongo.Db) => Promise<T>): Promise<T> {
  const client = new mongo.MongoClient(url, { serverSelectionTimeoutMS: 5_000 });
  try {
    return await work(client.db());
  } finally {
    await client.close();
  }
}
