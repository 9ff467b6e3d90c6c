import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';

const BINARY = 'redis-server';
const READY_WITHIN_MS = 10_000;

/** There is no Redis, and none can be started. */
export class NoRedisError extends Error {}

/** A Redis of our own: on a free port of this machine, with nothing on disk. */
export class RedisServer {
  private child: ChildProcess | undefined;
  private readonly onExit = (): void => {
    this.child?.kill('SIGKILL');
  };

  private constructor(private readonly port: number) {
    process.on('exit', this.onExit);
  }

  /** @throws NoRedisError saying what to do */
  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.begin();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async begin(): Promise<void> {
    const settings = { port: this.port, bind: '127.0.0.1', save: '', appendonly: 'no', dir: tmpdir() };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    // A group of its own: Ctrl+C is for us, and the applications close before their server does.
    const child = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    this.child = child;
    await new Promise<void>((resolve, reject) => {
      const giveUp = setTimeout(() => reject(new NoRedisError(`${BINARY} was not ready in time.`)), READY_WITHIN_MS);
      const fail = (error: Error): void => {
        clearTimeout(giveUp);
        reject(error);
      };
      child.once('error', () => fail(new NoRedisError(`There is no ${BINARY} on the PATH.`)));
      child.once('exit', (code) => fail(new NoRedisError(`${BINARY} ended with ${code}.`)));
      child.stdout?.on('data', (text: Buffer) => {
        if (!text.includes('Ready to accept connections')) return;
        clearTimeout(giveUp);
        child.removeAllListeners('exit');
        resolve();
      });
    });
  }

  /** As if its machine had lost power. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    process.off('exit', this.onExit);
    await this.kill();
  }
}

/** Free at this moment. */
async function freePort(): Promise<number> {
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
