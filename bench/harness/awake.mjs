/**
 * Keeps the cores of this machine awake while a bench asks a server one question at a time. A core that has nothing to do
 * is halted, and in a virtual machine it takes as long to wake it as a small answer takes to come: what is timed then is
 * the machine, more of it for whoever leaves the server alone a little longer. What keeps them awake runs at the
 * scheduler's idle priority, that is only while nothing else wants to. Linux alone has that; elsewhere this does nothing.
 */
import { execFileSync, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const SPINNER = fileURLToPath(new URL('./spin.mjs', import.meta.url));

export async function keepingAwake(work) {
  const spinners = hasIdlePriority() ? Array.from({ length: availableParallelism() }, spin) : [];
  try {
    return await work();
  } finally {
    for (const spinner of spinners) spinner.kill();
  }
}

function spin() {
  return fork(SPINNER, [], { execPath: 'chrt', execArgv: ['--idle', '0', process.execPath] });
}

function hasIdlePriority() {
  try {
    execFileSync('chrt', ['--idle', '0', process.execPath, '--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
