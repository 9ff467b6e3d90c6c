import { StartError } from './app-process.js';
import { NoRedisError } from './redis-server.js';

/** Says what to do about what is missing; throws whatever else went wrong. */
export function explain(error: unknown): void {
  process.exitCode = 1;
  if (error instanceof StartError) return console.error(`\n  ${error.message}\n`);
  if (!(error instanceof NoRedisError)) throw error;
  console.error(
    [
      '',
      `  ${error.message} This sample needs a Redis (7 or later), one of:`,
      '',
      '     apt-get install redis-server              (brew install redis)',
      '     REDIS_URL=redis://host:6379 npm run start:redis',
      '',
    ].join('\n'),
  );
}
