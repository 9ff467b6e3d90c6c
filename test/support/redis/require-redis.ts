/** Whether real servers can be started here. Where not, suites skip and say why; with CI=true they fail. */
import { describe } from '@jest/globals';
import { execFileSync } from 'node:child_process';

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
  const reason = missing();
  if (reason === undefined) describe(name, suite);
  else if (process.env['CI'] === 'true') throw new Error(reason);
  else describe.skip(`${name} (skipped: ${reason})`, suite);
}
