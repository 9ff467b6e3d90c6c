/**
 * Finds a Redis for tests that need a real one, in this order:
 *
 *   1. REDIS_URL                somebody's server: used, never stopped
 *   2. redis-server on PATH     a process of our own on a free port, which keeps nothing and goes with the tests
 *   3. apt-get, as root         installs the binary for 2; no system service is started or touched
 *
 * Otherwise it says what is missing, and the tests skip with that sentence. With CI=true a missing server is a failure.
 */
import { execFile, spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';

export interface FoundServer {
  readonly url: string;
  stop(): Promise<void>;
}

export interface MissingServer {
  /** What to do about it, in one sentence. */
  readonly missing: string;
}

const BINARY = 'redis-server';
const START_TIMEOUT_MS = 10_000;
const INSTALL_TIMEOUT_MS = 300_000;

export async function findRedis(): Promise<FoundServer | MissingServer> {
  const { REDIS_URL: url } = process.env;
  if (url !== undefined && url !== '') return { url, stop: () => Promise.resolve() };
  if ((await isInstalled()) || (await install())) return start();

  const missing = `No Redis: set REDIS_URL, or install ${BINARY}.`;
  if (process.env['CI'] === 'true') throw new Error(missing);
  return { missing };
}

async function isInstalled(): Promise<boolean> {
  return succeeds(BINARY, ['--version']);
}

async function install(): Promise<boolean> {
  if (process.getuid?.() !== 0 || !(await succeeds('apt-get', ['--version']))) return false;
  // At runlevel 1 the package's own scripts start no service.
  const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]): Promise<unknown> =>
    promisify(execFile)('apt-get', args, { env, timeout: INSTALL_TIMEOUT_MS });
  await apt('update');
  await apt('install', '-y', '--no-install-recommends', BINARY);
  return isInstalled();
}

async function start(): Promise<FoundServer> {
  const port = await freePort();
  const settings = { port, bind: '127.0.0.1', save: '', appendonly: 'no', daemonize: 'no', dir: tmpdir() };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const kill = (): boolean => server.kill('SIGKILL');
  process.once('exit', kill);

  await new Promise<void>((resolve, reject) => {
    const giveUp = setTimeout(() => reject(new Error(`${BINARY} was not ready in time`)), START_TIMEOUT_MS);
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`${BINARY} ended with ${code}`)));
    server.stdout.on('data', (text: Buffer) => {
      if (!text.includes('Ready to accept connections')) return;
      clearTimeout(giveUp);
      resolve();
    });
  }).catch((error: unknown) => {
    kill();
    throw error;
  });

  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      process.off('exit', kill);
      kill();
      await ended;
    },
  };
}

/** Free at this moment. Between this and the start somebody may take it; the server then says so and the run fails. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return promisify(execFile)(command, args).then(
    () => true,
    () => false,
  );
}
