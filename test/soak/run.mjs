// Runs the slow specs: npm run test:soak, or some of them: npm run test:soak -- redis. Options of Jest may follow.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { patternsOf } from '../support/selection.mjs';

const given = process.argv.slice(2);
const named = patternsOf(given);
const options = given.filter((each) => !named.includes(each));
// A file, or a part of its name: nothing outside of this folder is meant.
const paths = named.length === 0 ? [''] : named.map((each) => each.replace(/^(\.\/)?test\/soak\/?/, ''));

const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    ...paths.map((path) => `test/soak/.*${path}`),
    ...options,
  ],
  { cwd: fileURLToPath(new URL('../../', import.meta.url)), stdio: 'inherit' },
);
process.exitCode = status ?? 1;
