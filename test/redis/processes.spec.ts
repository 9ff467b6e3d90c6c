/** Processes, real ones: what many ask for at once is loaded once. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

const CHILDREN = fileURLToPath(new URL('../support/children/', import.meta.url));
const PROCESSES = 4;
const CALLERS = 250;
/** Until all of them have started, on a machine that is busy. */
const HEAD_START_MS = 8_000;

interface Told {
  readonly loads: number;
  readonly answers: readonly string[];
}

describeWithRedis('several processes', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  it('four of them with 250 callers each call the loader of one cold key once', async () => {
    const prefix = randomPrefix();
    const startAt = Date.now() + HEAD_START_MS;
    const run = async (): Promise<Told> => {
      const args = ['--import', `${CHILDREN}typescript.mjs`, `${CHILDREN}cold-key.mjs`];
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [...args, server.url, prefix, String(CALLERS), String(startAt)],
        { timeout: 60_000, env: { ...process.env, NODE_OPTIONS: '' } },
      );
      return JSON.parse(stdout) as Told;
    };
    const told = await Promise.all(Array.from({ length: PROCESSES }, run));
    expect(told.reduce((sum, { loads }) => sum + loads, 0)).toBe(1);
    expect(new Set(told.flatMap(({ answers }) => answers)).size).toBe(1);
  }, 90_000);
});
