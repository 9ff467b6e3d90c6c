/** How much of the library one call runs, and how straight its way is: bench/functions-of-a-call.mjs says what is counted. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from '@jest/globals';
import { describeWithRedis } from '../support/redis/require-redis.js';

const SCRIPT = fileURLToPath(new URL('../../bench/functions-of-a-call.mjs', import.meta.url));

describeWithRedis('one call', () => {
  let counts: Readonly<Record<string, number>>;

  beforeAll(async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, '--json']);
    counts = JSON.parse(stdout) as Record<string, number>;
  }, 120_000);

  it.each([
    ['functions of a memory miss', 110],
    ['functions of a memory hit', 38],
    ['functions of a redis miss', 159],
    ['functions of a redis hit', 88],
  ])('%s are at most %i', (name, most) => {
    expect(counts[name]).toBeGreaterThan(20);
    expect(counts[name]).toBeLessThanOrEqual(most);
  });

  it.each(['memory', 'redis'])(
    'a miss on %s goes back to at most eight files of the engine that it had left',
    (kind) => {
      expect(counts[`returns of a ${kind} miss`]).toBeGreaterThan(0);
      expect(counts[`returns of a ${kind} miss`]).toBeLessThanOrEqual(8);
    },
  );
});
