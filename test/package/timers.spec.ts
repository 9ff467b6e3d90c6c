/**
 * The library as it is packed, under the fake timers of other test runners: those of Jest that are there before anything
 * is loaded, those of Vitest, and those of Node. Jest that replaces them in a test: `test/e2e/fake-timers.spec.ts`.
 */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

/** One build, or one installation over a slow network, on a busy machine. */
const PATIENCE_MS = 240_000;
jest.setTimeout(PATIENCE_MS);

const root = fileURLToPath(new URL('../..', import.meta.url));
const VITEST = 'vitest@^3.2.0';
const OURS = ['@jest', '@nestjs', 'ioredis', 'jest', 'mongoose', 'reflect-metadata', 'rxjs'];

async function run(
  cwd: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|config_local_prefix)|^NODE_OPTIONS$|^JEST_WORKER_ID$|^NODE_ENV$/.test(name),
  );
  const options = { cwd, env: { ...Object.fromEntries(own), NO_COLOR: '1', ...env }, timeout: PATIENCE_MS };
  const outcome = promisify(execFile)(command, args, options);
  const { stdout, stderr } = await outcome.catch((error: { stdout: string; stderr: string }) => error);
  return `${stdout}\n${stderr}`;
}

describeWithRedis('under the fake timers of', () => {
  describeWithMongo('another runner', () => {
    let folder = '';
    let servers: [RedisProcess, MongoProcess];
    const env = (): NodeJS.ProcessEnv => ({ REDIS_URL: servers[0].url, MONGO_URL: servers[1].url });

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'scoped-cache-timers-'));
      await cp(join(root, 'test/fixtures/timers'), folder, { recursive: true });
      await writeFile(join(folder, 'package.json'), '{ "name": "app", "private": true, "type": "module" }');
      const install = [
        'install',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        '--no-package-lock',
        '--no-save',
        VITEST,
      ];
      [servers] = await Promise.all([
        Promise.all([RedisProcess.start(), MongoProcess.start()]),
        run(root, process.execPath, ['.ci/build.mjs', '--if-needed']),
        run(folder, 'npm', install),
      ]);
      await mkdir(join(folder, 'node_modules'), { recursive: true });
      for (const name of OURS)
        await symlink(await realpath(join(root, 'node_modules', name)), join(folder, 'node_modules', name));
      await symlink(root, join(folder, 'node_modules/nestjs-scoped-cache'));
    });
    afterAll(async () => {
      await Promise.all(servers.map((server) => server.stop()));
      await rm(folder, { recursive: true, force: true });
    });

    it('Jest, replaced before anything is loaded, every backend answers and entries expire', async () => {
      const config = {
        rootDir: folder,
        testMatch: ['**/jest.test.mjs'],
        testEnvironment: 'node',
        transform: {},
        fakeTimers: { enableGlobally: true },
      };
      const jestBin = join(root, 'node_modules/jest/bin/jest.js');
      const args = ['--experimental-vm-modules', jestBin, '--config', JSON.stringify(config), '--verbose'];
      const said = await run(folder, process.execPath, args, env());
      expect(said).toMatch(/Tests:\s+6 passed, 6 total/);
    });

    it('Vitest, replaced before the start and after it, every backend answers and entries expire', async () => {
      const said = await run(
        folder,
        process.execPath,
        ['node_modules/vitest/vitest.mjs', 'run', 'vitest.test.mjs'],
        env(),
      );
      expect(said).toMatch(/Tests\s+11 passed \(11\)/);
    });

    it('Node, replaced before the start and after it, every backend answers and entries expire', async () => {
      const said = await run(folder, process.execPath, ['--test', 'node.test.mjs'], env());
      expect(said).toMatch(/pass 11\n[^]*fail 0/);
    });
  });
});
