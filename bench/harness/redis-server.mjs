/**
 * A server for one bench: started on a free port of the loopback, without anything on disk, with a bound on its memory;
 * killed when the bench is over. Contestants find it in BENCH_REDIS_URL.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { keepingAwake } from './awake.mjs';

const READY_WITHIN_MS = 10_000;
/** More than any bench stores, and less than would hurt. */
const MAX_MEMORY = '3gb';

export function hasRedis() {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export class RedisServer {
  #child;

  constructor(port) {
    this.port = port;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start() {
    const config = {
      port: this.port,
      bind: '127.0.0.1',
      save: '',
      appendonly: 'no',
      dir: tmpdir(),
      maxmemory: MAX_MEMORY,
    };
    const args = Object.entries(config).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('redis-server was not ready in time')), READY_WITHIN_MS);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
      child.stdout.on('data', (text) => {
        if (!String(text).includes('Ready to accept connections')) return;
        clearTimeout(timer);
        resolve();
      });
    });
    child.removeAllListeners('exit');
  }

  /** As if the machine had lost power. */
  async kill() {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => {
      child.once('exit', resolve);
    });
    child.kill('SIGKILL');
    await ended;
  }
}

/** Runs `work` with a server of its own, on cores that are kept awake. */
export async function withRedis(work) {
  const server = new RedisServer(await freePort());
  const end = () => void server.kill();
  process.once('exit', end);
  await server.start();
  process.env.BENCH_REDIS_URL = server.url;
  try {
    return await keepingAwake(() => work(server));
  } finally {
    process.off('exit', end);
    await server.kill();
  }
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
