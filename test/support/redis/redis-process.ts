/**
 * Real servers for tests: started on free ports of the loopback, killed, halted, and started again in the same place.
 * Only processes that were started here are ever signalled.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

export { enough, pause, until } from '../time.js';

const BINARY = 'redis-server';
const START_TIMEOUT_MS = 30_000;

export type RedisConfig = Readonly<Record<string, string | number>>;

export interface RedisProcessOptions {
  readonly config?: RedisConfig;
  /** Given to the process beside its own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further arguments, e.g. `--sentinel`. */
  readonly args?: readonly string[];
  readonly port?: number;
  /** A sentinel understands none of the settings of a server. */
  readonly isSentinel?: boolean;
}

export class RedisProcess {
  private child: ChildProcess | undefined;
  private readonly onExit = (): void => {
    this.child?.kill('SIGKILL');
  };

  private constructor(
    readonly port: number,
    readonly dir: string,
    private readonly options: RedisProcessOptions,
  ) {
    process.on('exit', this.onExit);
  }

  static async start(options: RedisProcessOptions = {}): Promise<RedisProcess> {
    const dir = await mkdtemp(join(tmpdir(), 'scoped-cache-redis-'));
    const server = new RedisProcess(options.port ?? (await freePort()), dir, options);
    await server.begin();
    return server;
  }

  /** A place where no server is. */
  static async nowhere(options: RedisProcessOptions = {}): Promise<RedisProcess> {
    const dir = await mkdtemp(join(tmpdir(), 'scoped-cache-redis-'));
    return new RedisProcess(await freePort(), dir, options);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts the process, in the same place as before; what lies on its disk is loaded. */
  async begin(more: RedisConfig = {}, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const own = { port: this.port, bind: '127.0.0.1', dir: this.dir };
    const quiet = { save: '', appendonly: 'no', 'enable-debug-command': 'local' };
    const config = { ...own, ...(this.options.isSentinel === true ? {} : quiet), ...this.options.config, ...more };
    const args = Object.entries(config).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn(BINARY, [...(this.options.args ?? []), ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...this.options.env, ...env },
    });
    this.child = child;
    await readiness(child);
    child.stdout?.resume();
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

  async restart(more?: RedisConfig, env?: Readonly<Record<string, string>>): Promise<void> {
    await this.kill();
    await this.begin(more, env);
  }

  async stop(): Promise<void> {
    process.off('exit', this.onExit);
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** What it takes itself for; undefined while it does not say. */
  async role(): Promise<string | undefined> {
    try {
      const [role] = (await this.command('ROLE')) as string[];
      return role;
    } catch {
      return undefined;
    }
  }

  /** One command as an administrator would give it, over a connection of its own. */
  async command(name: string, ...args: (string | number)[]): Promise<unknown> {
    return withClient(this.port, (client) => client.call(name, ...args));
  }
}

export async function withClient<T>(port: number, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(port, '127.0.0.1', {
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    retryStrategy: () => null,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    client.disconnect();
  }
}

/** Free at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => {
    probe.listen(0, '127.0.0.1', resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => {
    probe.close(resolve);
  });
  return port;
}

/** A keyspace that no other run uses. */
export function randomPrefix(): string {
  return `t${randomBytes(6).toString('hex')}`;
}

function readiness(child: ChildProcess): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(giveUp);
      child.kill('SIGKILL');
      reject(new Error(`${BINARY} ${why}`));
    };
    const giveUp = setTimeout(() => fail('was not ready in time'), START_TIMEOUT_MS);
    let said = '';
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`ended with ${code}: ${said.slice(-600)}`));
    child.stdout?.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-4_000);
      // A sentinel says who it is when it is ready; a server that is loading says that first, and takes connections.
      if (!/Ready to accept connections|Sentinel ID is|Loading RDB produced/.test(said)) return;
      clearTimeout(giveUp);
      child.removeAllListeners('exit');
      child.stdout?.removeAllListeners('data');
      resolve();
    });
  });
}
