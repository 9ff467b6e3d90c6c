// Runs what an application touches on other versions of Node, one after the other:
//
//   npm run test:nodes                         20, 22, 24 and 26
//   npm run test:nodes -- --nodes=24           some of them, separated by commas
//   npm run test:nodes -- test/redis --json    other specs, options of Jest
//
// A version that is not the running one comes from the `node` package of the npm registry, by npx.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Every supported one: see `engines` in package.json. */
const NODES = ['20', '22', '24', '26'];
/** Values, keys and decorators; the contract of backends in memory and on Redis; whole applications. */
const SPECS = ['test/unit', 'test/contract', 'test/redis/contract.spec.ts', 'test/e2e'];
const JEST = ['--experimental-vm-modules', '--no-warnings=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];

const root = fileURLToPath(new URL('../../', import.meta.url));
const given = process.argv.slice(2);
const nodes =
  given
    .find((each) => each.startsWith('--nodes='))
    ?.slice('--nodes='.length)
    .split(',') ?? NODES;
const options = given.filter((each) => !each.startsWith('--nodes='));
const specs = options.some((each) => !each.startsWith('-')) ? [] : SPECS;

const failed = nodes.filter((version) => {
  const [command, ...before] = commandOf(version);
  const named = spawnSync(command, [...before, '--version'], { cwd: root, encoding: 'utf8' });
  if (named.status !== 0) {
    console.error(`Node ${version} cannot be started: ${named.error?.message ?? named.stderr}`);
    return true;
  }
  console.log(`== Node ${named.stdout.trim()}`);
  return spawnSync(command, [...before, ...JEST, ...specs, ...options], { cwd: root, stdio: 'inherit' }).status !== 0;
});
if (failed.length > 0) {
  console.error(`failed on Node ${failed.join(', ')}`);
  process.exitCode = 1;
}

function commandOf(version) {
  if (process.versions.node.split('.')[0] === version) return [process.execPath];
  return [process.platform === 'win32' ? 'npx.cmd' : 'npx', '--yes', '--package', `node@${version}`, 'node'];
}
