/** A66: a process that never sees the same key twice stays as large as it is, and so does its server. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { soaking } from '../support/soak.js';

const CHILDREN = fileURLToPath(new URL('../support/children/', import.meta.url));
const IS_SOAK = soaking(true, false);
const CALLS = IS_SOAK ? 1_000_000 : 30_000;
const ROUNDS = IS_SOAK ? 10 : 5;
const PATIENCE_MS = IS_SOAK ? 900_000 : 240_000;
const MIB = 1_048_576;

describeWithRedis('calls with keys that never come again', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  it(
    'A66: leave the heap as it was, no timers, and on the server what a tenant has, not what it had',
    async () => {
      const args = ['--expose-gc', '--import', `${CHILDREN}typescript.mjs`, `${CHILDREN}soak.mjs`];
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [...args, server.url, randomPrefix(), String(CALLS), String(ROUNDS)],
        { timeout: PATIENCE_MS, env: { ...process.env, NODE_OPTIONS: '' } },
      );
      const told = JSON.parse(stdout) as Record<'timers' | 'made' | 'failed', number> & { heaps: number[] };
      expect(told.made).toBeGreaterThanOrEqual(CALLS);
      expect(told.timers).toBe(0);
      expect(told.failed).toBeLessThan(CALLS / 100);
      // The first round warms up. Of two rounds the smaller counts, since a single one may be measured too large; what each
      // call leaves behind adds up all the same: one small object for each read makes half a MiB.
      const [settled, later] = [told.heaps.slice(1, 3), told.heaps.slice(-2)].map((some) => Math.min(...some));
      expect((later ?? NaN) - (settled ?? NaN)).toBeLessThan(IS_SOAK ? 2 * MIB : 0.3 * MIB);
      // 500 tenants: a meta hash each, a few sorted sets, and the ids that no later store has dropped yet.
      expect(Number(await server.command('DBSIZE'))).toBeLessThan(500 * 4 + 5_000);
      const used = Number(/used_memory:(\d+)/.exec(String(await server.command('INFO', 'memory')))?.[1]);
      expect(used).toBeLessThan(24 * MIB);
    },
    PATIENCE_MS,
  );
});
