import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { MemoryOptions } from '../../../lib/backends/memory/options.js';

const CHILDREN = fileURLToPath(new URL('./', import.meta.url));

/** A shape of `held-bytes.mjs`, how many steps of it, and the options of memory. */
export type HeldRun = readonly [shape: string, steps: number, options?: MemoryOptions];

export interface Held {
  readonly name: string;
  /** What the process holds because of the cache. */
  readonly held: number;
  /** What the cache says that it holds. */
  readonly accounted: number;
  readonly entries: number;
}

/** Measures in a process of its own, whose heap nothing else grows. */
export async function heldBytes(runs: readonly HeldRun[]): Promise<readonly Held[]> {
  const args = [
    '--expose-gc',
    '--import',
    `${CHILDREN}typescript.mjs`,
    `${CHILDREN}held-bytes.mjs`,
    JSON.stringify(runs),
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } });
  return JSON.parse(stdout) as readonly Held[];
}
