/** Whether real servers can be started here. Where not, suites skip and say why; with CI=true they fail. */
import { execFileSync } from 'node:child_process';
import { describeWith } from '../describe-with.js';

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
