/** Processes, real ones: what many ask for at once is loaded once. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { askInProcesses } from '../support/children/ask-in-processes.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

describeWithRedis('several processes', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  it('four of them with 250 callers each call the loader of one cold key once', async () => {
    const { loads, answers } = await askInProcesses(server.url, 4, 250);
    expect(loads).toBe(1);
    expect(answers).toHaveLength(1);
  }, 90_000);
});
