// What scripts that look for servers ask of the machine.
import { execFileSync } from 'node:child_process';

const INSTALL_MS = 300_000;

export function succeeds(command, ...args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** For minutes at most. At runlevel 1 packages start no services: only what they bring is wanted. */
export function run(command, ...args) {
  const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: INSTALL_MS, env });
}

/** Whether Debian's packages could be installed: only where that is ours to decide, as root. */
export function install(...packages) {
  if (process.getuid?.() !== 0 || !succeeds('apt-get', '--version')) return false;
  try {
    run('apt-get', 'update');
    run('apt-get', 'install', '-y', '--no-install-recommends', ...packages);
    return true;
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return false;
  }
}
