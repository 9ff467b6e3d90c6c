import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Finds, and where it can be done installs, what the tests of this repository use; from the root of the repository. */
const FIND = join('test', 'support', 'servers', 'mongo.find.mjs');
const READY_WITHIN_MS = 30_000;

/** There is no MongoDB, and none can be started. */
export class NoMongoError extends Error {}

export interface RunningMongo {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * The server at MONGO_URL; without it one of our own, on a free port of this machine, which goes with us.
 * @throws NoMongoError saying what to do
 */
export async function startMongo(): Promise<RunningMongo> {
  const { MONGO_URL: given } = process.env;
  if (given !== undefined && given !== '') return { url: given, stop: async () => undefined };
  const found = find();
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'sample-mongo-'));
  const settings =
    found.kind === 'java' ? [String(port)] : ['--port', String(port), '--bind_ip', '127.0.0.1', '--dbpath', dir];
  // A group of its own: Ctrl+C is for us, and the application closes before its server does.
  const child = spawn(found.command, [...found.args, ...settings], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const onExit = (): void => void child.kill('SIGKILL');
  process.on('exit', onExit);
  await ready(child);
  return {
    url: `mongodb://127.0.0.1:${port}/shop`,
    stop: async () => {
      process.off('exit', onExit);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

interface Found {
  readonly kind: 'mongod' | 'java';
  readonly command: string;
  readonly args: readonly string[];
}

function find(): Found {
  const found = JSON.parse(
    execFileSync(process.execPath, [FIND], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
  ) as Found | { readonly missing: string };
  if ('missing' in found) throw new NoMongoError(found.missing);
  return found;
}

async function ready(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const giveUp = setTimeout(() => reject(new NoMongoError('MongoDB was not ready in time.')), READY_WITHIN_MS);
    child.once('error', (error) => reject(new NoMongoError(error.message)));
    child.once('exit', (code) => reject(new NoMongoError(`MongoDB ended with ${code}.`)));
    child.stdout?.on('data', (text: Buffer) => {
      if (!/^ready|Waiting for connections/m.test(text.toString())) return;
      clearTimeout(giveUp);
      child.removeAllListeners('exit');
      resolve();
    });
  });
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
