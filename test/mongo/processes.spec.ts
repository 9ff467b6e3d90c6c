/** Processes, real ones: what many ask for at once is loaded once. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { randomPrefix } from '../support/redis/redis-process.js';

const CHILDREN = fileURLToPath(new URL('../support/children/', import.meta.url));
const PROCESSES = 2;
const CALLERS = 250;
/** Until all of them have started, on a machine that is busy. */
const HEAD_START_MS = 8_000;

interface Told {
  readonly loads: number;
  readonly answers: readonly string[];
}

describeWithMongo('several processes on MongoDB', () => {
  let server: MongoProcess;
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterAll(() => server.stop());

  it('two of them with 250 callers each call the loader of one cold key once', async () => {
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
