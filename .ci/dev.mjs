// Compiles the samples whenever a file of theirs changes, and starts the first of them anew: `npm run start:dev`.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAIN = 'dist/sample/01-quick-start/src/main.js';

const children = [
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.sample.json', '--watch', '--preserveWatchOutput'],
  ['--watch', '--enable-source-maps', MAIN],
].map((args) => spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' }));

// One without the other is of no use.
for (const child of children) {
  child.once('exit', () => {
    for (const other of children) other.kill();
  });
}
