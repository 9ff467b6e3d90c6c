// Runs the given specs on Nest 11: npm run test:nest11 -- test/e2e. What this folder needs is installed when it is missing.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const lock = `${here}package-lock.json`;
/** What has been installed, as the lock file had it. */
const installed = `${here}node_modules/.installed.json`;

if (!existsSync(installed) || readFileSync(installed, 'utf8') !== readFileSync(lock, 'utf8')) {
  run(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund'], here);
  copyFileSync(lock, installed);
}

const paths = process.argv.slice(2);
if (!paths.some((each) => !each.startsWith('-'))) {
  console.error('Name the specs to run: npm run test:nest11 -- test/unit/nest test/e2e');
  process.exit(2);
}
const root = fileURLToPath(new URL('../../', import.meta.url));
const jest = ['node_modules/jest/bin/jest.js', '--config', 'test/nest-11/jest.config.js', ...paths];
run(process.execPath, ['--experimental-vm-modules', '--no-warnings=ExperimentalWarning', ...jest], root);

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
