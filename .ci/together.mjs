// Runs scripts of package.json at once, so that no core waits; each is shown whole, in the order they are named.
//
//   node .ci/together.mjs check:format lint check:tests
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const isWindows = process.platform === 'win32';
// What is written into a pipe would have no colours.
const colours = process.stdout.isTTY && process.env.NO_COLOR === undefined ? { FORCE_COLOR: '1' } : {};

const running = process.argv.slice(2).map((name) => ({ name, ended: run(name) }));
const failed = [];
for (const { name, ended } of running) {
  const { said, status } = await ended;
  process.stdout.write(said);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}

async function run(name) {
  const child = spawn(isWindows ? 'npm.cmd' : 'npm', ['run', name], {
    cwd: ROOT,
    env: { ...process.env, ...colours },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: isWindows,
  });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
  const [status] = await once(child, 'close');
  return { said: Buffer.concat(said), status };
}
