// Runs the specs of docs/guides/with-an-orm.md: npm run test:orms. What this folder needs is installed when it is missing.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const lock = `${here}package-lock.json`;
/** What has been installed, as the lock file had it. */
const installed = `${here}node_modules/.installed.json`;

if (!existsSync(installed) || readFileSync(installed, 'utf8') !== readFileSync(lock, 'utf8')) {
  run(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund'], here);
  copyFileSync(lock, installed);
}
// Swc does not look at types, and the guide shows this code.
run(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'test/with-an-orm'], root);
const jest = ['node_modules/jest/bin/jest.js', '--config', 'test/with-an-orm/jest.config.js', ...process.argv.slice(2)];
run(process.execPath, ['--experimental-vm-modules', '--no-warnings=ExperimentalWarning', ...jest], root);

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
