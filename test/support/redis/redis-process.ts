/** Real servers for tests: started on free ports of the loopback, killed, halted, and started again in the same place. */
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { ServerProcess } from '../servers/server-process.js';

export { ADMIN_TURN_MS, enough, pause, until } from '../time.js';

const BINARY = 'redis-server';
/** A sentinel says who it is when it is ready; a server that is loading says that first, and takes connections. */
const READY = /Ready to accept connections|Sentinel ID is|Loading RDB produced/;

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

export class RedisProcess extends ServerProcess {
  private constructor(
    port: number,
    dir: string,
    private readonly options: RedisProcessOptions,
  ) {
    super(port, dir);
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

  /** Starts the process, in the same place as before; what lies on its disk is loaded. */
  async begin(more: RedisConfig = {}, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const own = { port: this.port, bind: '127.0.0.1', dir: this.dir };
    const quiet = { save: '', appendonly: 'no', 'enable-debug-command': 'local' };
    const config = { ...own, ...(this.options.isSentinel === true ? {} : quiet), ...this.options.config, ...more };
    const args = Object.entries(config).flatMap(([name, value]) => [`--${name}`, String(value)]);
    await this.run(BINARY, [...(this.options.args ?? []), ...args], READY, { ...this.options.env, ...env });
  }

  async restart(more?: RedisConfig, env?: Readonly<Record<string, string>>): Promise<void> {
    await this.kill();
    await this.begin(more, env);
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
