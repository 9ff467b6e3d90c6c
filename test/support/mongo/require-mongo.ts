/** Whether servers can be started here. Where not, suites skip and say why; with CI=true they fail. */
import { describe } from '@jest/globals';
import { findMongo } from '../servers/mongo.server.js';

/** A suite that needs servers which it can start and kill. */
export function describeWithMongo(name: string, suite: () => void): void {
  const found = findMongo();
  if ('missing' in found) describe.skip(`${name} (skipped: ${found.missing})`, suite);
  else describe(name, suite);
}
