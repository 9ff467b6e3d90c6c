// What has to hold before every commit, all at once: each says what it has to say when those above it are done.
//
//   npm run check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STEPS = [
  ['format', ['run', 'check:format']],
  ['lint', ['run', 'lint']],
  ['tests', ['test', '--', 'test/architecture.spec.ts', 'test/unit']],
];
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
// What is written into a pipe would have no colours.
const env = process.stdout.isTTY && process.env.NO_COLOR === undefined ? { FORCE_COLOR: '1' } : {};

const running = STEPS.map(([name, args]) => ({ name, ended: run(args) }));
const failed = [];
for (const { name, ended } of running) {
  const { said, status } = await ended;
  process.stdout.write(said);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`check: ${failed.join(' and ')} failed`);
  process.exitCode = 1;
}

async function run(args) {
  const child = spawn(npm, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
  const [status] = await once(child, 'close');
  return { said: Buffer.concat(said), status };
}
