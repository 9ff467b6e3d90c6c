/** Processes, real ones: what many ask for at once is loaded once. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { askInProcesses } from '../support/children/ask-in-processes.js';
import { LEVELS } from '../support/mongo/levels.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';

describeWithMongo('several processes on MongoDB', () => {
  let server: MongoProcess;
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterAll(() => server.stop());

  it.each(LEVELS)(
    '%s two of them with 250 callers each call the loader of one cold key once',
    async (_, { process: { near, ...copies } }) => {
      const { loads, answers } = await askInProcesses(server.url, 2, 250, near === false ? undefined : copies);
      expect(loads).toBe(1);
      expect(answers).toHaveLength(1);
    },
    90_000,
  );
});
