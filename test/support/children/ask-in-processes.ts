import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TieredOptions } from '../../../lib/backends/tiered.options.js';
import { randomPrefix } from '../redis/redis-process.js';

const CHILDREN = fileURLToPath(new URL('./', import.meta.url));
/** Until all of them have started, on a machine that is busy. */
const HEAD_START_MS = 8_000;

interface Told {
  readonly loads: number;
  readonly answers: readonly string[];
}

/**
 * Lets so many callers in each of so many processes ask for one cold key at once: how often it was loaded, and the answers.
 * With `near`, each process has memory over its server.
 */
export async function askInProcesses(
  url: string,
  processes: number,
  callers: number,
  near?: Pick<TieredOptions, 'maxUnvalidated' | 'bus'>,
): Promise<Told> {
  const prefix = randomPrefix();
  const startAt = Date.now() + HEAD_START_MS;
  const run = async (): Promise<Told> => {
    const args = ['--import', `${CHILDREN}typescript.mjs`, `${CHILDREN}cold-key.mjs`];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...args, url, prefix, String(callers), String(startAt), ...(near === undefined ? [] : [JSON.stringify(near)])],
      { timeout: 60_000, env: { ...process.env, NODE_OPTIONS: '' } },
    );
    return JSON.parse(stdout) as Told;
  };
  const told = await Promise.all(Array.from({ length: processes }, run));
  return {
    loads: told.reduce((sum, { loads }) => sum + loads, 0),
    answers: [...new Set(told.flatMap(({ answers }) => answers))],
  };
}
