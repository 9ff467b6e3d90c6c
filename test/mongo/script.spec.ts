/** A process in which nothing else goes on: it waits for its answers, and ends when it has closed. */
import { expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

jest.setTimeout(60_000);

const CHILDREN = fileURLToPath(new URL('../support/children/', import.meta.url));
/** No server listens there. */
const NOWHERE = '127.0.0.1:1';

it.each([
  ['redis', `redis://${NOWHERE}`],
  ['mongo', `mongodb://${NOWHERE}/app`],
])('a script whose %s is not there gets an outcome of every call, and ends by itself', async (kind, url) => {
  const args = ['--import', `${CHILDREN}typescript.mjs`, `${CHILDREN}unanswered.mjs`, kind, url];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 30_000 });
  expect(stdout).toBe(Array.from({ length: 12 }, () => 'failed').join());
});
