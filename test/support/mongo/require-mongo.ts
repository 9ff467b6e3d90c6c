/** Whether servers can be started here. Where not, suites skip and say why; with CI=true they fail. */
import { describeWith } from '../describe-with.js';
import { findMongo } from '../servers/mongo.server.js';

/** A suite that needs servers which it can start and kill. */
export function describeWithMongo(name: string, suite: () => void): void {
  const found = findMongo();
  describeWith('missing' in found ? found.missing : undefined, name, suite);
}
