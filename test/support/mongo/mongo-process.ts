/**
 * MongoDB servers for tests: started on free ports of the loopback, killed, halted, and started again in the same place.
 * Only processes that were started here are ever signalled.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mongo } from 'mongoose';
import { freePort, until } from '../redis/redis-process.js';
import { findMongo, type FoundMongo } from '../servers/mongo.server.js';

const START_TIMEOUT_MS = 60_000;
const TEST_COMMANDS = ['--setParameter', 'enableTestCommands=1'];
const READY = /^ready|Waiting for connections/m;

export interface MongoProcessOptions {
  readonly port?: number;
  /** By how much the server's wall clock is wrong. Only a server of the kind `java` can be told. */
  readonly clockShiftMs?: number;
  /** Whether it tells of changes: a replica set of one. */
  readonly hasStreams?: boolean;
}

export class MongoProcess {
  private child: ChildProcess | undefined;
  private readonly onExit = (): void => {
    this.child?.kill('SIGKILL');
  };

  private constructor(
    readonly port: number,
    private readonly found: FoundMongo,
    private readonly dir: string,
    private readonly clockShiftMs: number,
    private readonly hasStreams: boolean,
  ) {
    process.on('exit', this.onExit);
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
    return new MongoProcess(port ?? (await freePort()), found, dir, clockShiftMs, hasStreams);
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
    const child = spawn(command, [...args, ...settings], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.child = child;
    await readiness(child);
    child.stdout?.resume();
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

  /** `kill -9`. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
  }

  /** The process hangs: its connections stay, nothing answers. */
  halt(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  /** The same place, with nothing in it. */
  async restartEmpty(): Promise<void> {
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
    await mkdir(this.dir, { recursive: true });
    await this.begin();
  }

  async stop(): Promise<void> {
    process.off('exit', this.onExit);
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
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

function readiness(child: ChildProcess): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(giveUp);
      child.kill('SIGKILL');
      reject(new Error(`the MongoDB server ${why}`));
    };
    const giveUp = setTimeout(() => fail('was not ready in time'), START_TIMEOUT_MS);
    let said = '';
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`ended with ${code}: ${said.slice(-600)}`));
    child.stdout?.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-4_000);
      if (!READY.test(said)) return;
      clearTimeout(giveUp);
      child.removeAllListeners('exit');
      child.stdout?.removeAllListeners('data');
      resolve();
    });
  });
}
