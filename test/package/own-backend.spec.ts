/**
 * What an author of a backend gets: sample 04 compiled against the packed tarball, with nothing of Nest beside it, and the
 * contract of the tarball run against it, by Jest and by Vitest.
 */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { backendContract } from '../../lib/testing/contract/backend-contract.js';

/** One build, or one installation over a slow network, on a busy machine. */
const PATIENCE_MS = 240_000;
jest.setTimeout(PATIENCE_MS);

const root = fileURLToPath(new URL('../..', import.meta.url));
const CASES = Object.values(backendContract).flat().length;
const NODE_MAJOR = Number(process.versions.node.split('.', 1)[0]);
/** The newest that the Node of this machine runs. */
const VITEST = NODE_MAJOR >= 22 ? 'vitest@^5.0.0' : 'vitest@^3.2.0';
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scoped-cache-own-backend-'));
  await run(root, process.execPath, ['.ci/build.mjs', '--if-needed']);
  const packed = await run(root, 'npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]);
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const library = join(folder, 'node_modules/nestjs-scoped-cache');
  await writeFile(join(folder, 'package.json'), '{ "name": "app", "private": true, "type": "module" }');
  await cp(join(root, 'test/fixtures/own-backend'), folder, { recursive: true });
  const installed = [
    'install',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--no-save',
    VITEST,
  ];
  await run(folder, 'npm', installed);
  await mkdir(library, { recursive: true });
  await run(folder, 'tar', ['-xzf', filename, '-C', library, '--strip-components=1']);
  // Of ours, the runner alone.
  for (const name of ['@jest', 'jest'])
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it('the sample compiles against its declarations alone', async () => {
  const sources = join(root, 'sample/04-own-backend/src/file-store');
  await cp(sources, join(folder, 'file-store'), { recursive: true });
  const flags = '--strict --module nodenext --target es2023 --types node --pretty false --skipLibCheck false';
  const typeRoots = ['--typeRoots', join(root, 'node_modules/@types')];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const said = await run(folder, process.execPath, [
    tsc,
    ...flags.split(' '),
    ...typeRoots,
    'file-store/file-store.ts',
  ]);
  expect(said).toBe('');
});

it('its store keeps the whole contract in Jest', async () => {
  const config = { rootDir: folder, testMatch: ['**/jest.test.mjs'], testEnvironment: 'node', transform: {} };
  const jestBin = join(root, 'node_modules/jest/bin/jest.js');
  const args = ['--experimental-vm-modules', jestBin, '--config', JSON.stringify(config)];
  expect(await run(folder, process.execPath, args)).toMatch(new RegExp(`Tests:\\s+${CASES} passed, ${CASES} total`));
});

it('its store keeps the whole contract in Vitest', async () => {
  const args = ['node_modules/vitest/vitest.mjs', 'run', 'vitest.test.mjs'];
  expect(await run(folder, process.execPath, args)).toMatch(new RegExp(`Tests\\s+${CASES} passed \\(${CASES}\\)`));
});

/** What a command wrote, whether it ended well or not; of npm, what it answers. */
async function run(cwd: string, command: string, args: readonly string[]): Promise<string> {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|config_local_prefix)|^NODE_OPTIONS$|^JEST_WORKER_ID$|^NODE_ENV$/.test(name),
  );
  const env = { ...Object.fromEntries(own), NO_COLOR: '1', STORE_FOLDER: folder };
  const outcome = promisify(execFile)(command, args, { cwd, env, timeout: PATIENCE_MS });
  const { stdout, stderr } = await outcome.catch((error: { stdout: string; stderr: string }) => error);
  return command === 'npm' ? stdout : stdout + stderr;
}
