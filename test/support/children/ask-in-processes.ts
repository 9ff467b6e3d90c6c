import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TieredOptions } from '../../../lib/backends/tiered/options.js';
import { randomPrefix } from '../redis/redis-process.js';

const CHILDREN = fileURLToPath(new URL('./', import.meta.url));

interface Told {
  readonly loads: number;
  readonly answers: readonly string[];
}

/**
 * Lets so many callers in each of so many processes ask for one cold key at once, when all of them have started: how often
 * it was loaded, and the answers. With `near`, each process has memory over its server.
 */
export async function askInProcesses(
  url: string,
  processes: number,
  callers: number,
  near?: Pick<TieredOptions, 'maxUnvalidated' | 'bus'>,
): Promise<Told> {
  const args = [url, randomPrefix(), String(callers), ...(near === undefined ? [] : [JSON.stringify(near)])];
  const children = Array.from({ length: processes }, () =>
    fork(`${CHILDREN}cold-key.mjs`, args, {
      execArgv: ['--import', `${CHILDREN}typescript.mjs`],
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  );
  const ended = new AbortController();
  const words = async <T>(): Promise<T[]> =>
    Promise.all(children.map(async (child) => ((await once(child, 'message', ended)) as [T])[0]));
  for (const child of children)
    child.once('exit', (code) => code !== 0 && ended.abort(new Error(`a child ended with ${code}`)));
  try {
    await words<'ready'>();
    const telling = words<Told>();
    for (const child of children) child.send('go');
    const told = await telling;
    return {
      loads: told.reduce((sum, { loads }) => sum + loads, 0),
      answers: [...new Set(told.flatMap(({ answers }) => answers))],
    };
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}
