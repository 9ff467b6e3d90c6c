/** Whether servers can be started here. Where not, suites skip and say why; with CI=true they fail. */
import { afterAll, beforeAll } from '@jest/globals';
import { describeWith } from '../describe-with.js';
import { findMongo } from '../servers/mongo.server.js';
import { MongoProcess } from './mongo-process.js';

/** A suite that needs servers which it can start and kill. */
export function describeWithMongo(name: string, suite: () => void): void {
  describeWith(missing(), name, suite);
}

/** A suite that any server will do for: the one at MONGO_URL, or one of our own. Its collections have names of their own. */
export function describeOnMongo(name: string, suite: (url: () => string) => void): void {
  const { MONGO_URL: given = '' } = process.env;
  describeWith(given === '' ? missing() : undefined, name, () => {
    let own: MongoProcess | undefined;
    beforeAll(async () => {
      if (given === '') own = await MongoProcess.start();
    });
    afterAll(() => own?.stop());
    suite(() => own?.url ?? given);
  });
}

function missing(): string | undefined {
  const found = findMongo();
  return 'missing' in found ? found.missing : undefined;
}
