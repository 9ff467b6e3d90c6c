/**
 * A MongoDB for one bench: MONGO_URL, or what the tests of this repository find, on a free port of the loopback; killed
 * when the bench is over. Contestants find it in BENCH_MONGO_URL.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FIND = fileURLToPath(new URL('../test/support/servers/mongo.find.mjs', import.meta.url));
const READY_WITHIN_MS = 30_000;

/** Runs `work` with a server; what kind of server it was told first. */
export async function withMongo(work) {
  if (process.env.MONGO_URL) {
    process.env.BENCH_MONGO_URL = process.env.MONGO_URL;
    return work('the server at MONGO_URL');
  }
  const found = JSON.parse(execFileSync(process.execPath, [FIND], { encoding: 'utf8' }));
  if (found.missing !== undefined) throw new Error(found.missing);
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'bench-mongo-'));
  const settings = found.kind === 'java' ? [port] : ['--port', port, '--bind_ip', '127.0.0.1', '--dbpath', dir];
  const args = [...found.args, ...settings].map((arg) => (arg === '-Xmx512m' ? '-Xmx3g' : String(arg)));
  const child = spawn(found.command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  await readiness(child);
  process.env.BENCH_MONGO_URL = `mongodb://127.0.0.1:${port}/bench`;
  try {
    return await work(found.kind === 'java' ? 'mongo-java-server, in memory' : 'mongod');
  } finally {
    process.off('exit', end);
    end();
    rmSync(dir, { recursive: true, force: true });
  }
}

function readiness(child) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('MongoDB was not ready in time')), READY_WITHIN_MS);
    child.once('error', reject);
    child.stdout.on('data', (text) => {
      if (!/^ready|Waiting for connections/m.test(String(text))) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
