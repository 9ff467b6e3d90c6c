/** Whether real servers can be started here. Where not, suites skip and say why; with CI=true they fail. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll } from '@jest/globals';
import { describeWith } from '../describe-with.js';
import { RedisProcess } from './redis-process.js';

function missing(): string | undefined {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no redis-server on the PATH: install it (apt-get install redis-server)';
  }
}

/** A suite that needs real servers. */
export function describeWithRedis(name: string, suite: () => void): void {
  describeWith(missing(), name, suite);
}

/** A suite that any server will do for: the one at REDIS_URL, or one of our own. It keeps to its own keys. */
export function describeOnRedis(name: string, suite: (url: () => string) => void): void {
  const { REDIS_URL: given = '' } = process.env;
  describeWith(given === '' ? missing() : undefined, name, () => {
    let own: RedisProcess | undefined;
    beforeAll(async () => {
      if (given === '') own = await RedisProcess.start();
    });
    afterAll(() => own?.stop());
    suite(() => own?.url ?? given);
  });
}
