/** An application that loads, as a process of its own: see loading.mjs. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TieredOptions } from '../../../lib/backends/tiered/options.js';
import type { LimitOptions } from '../../../lib/core/limits.js';
import type { PolicyOptions } from '../../../lib/core/policy.js';

const CHILDREN = fileURLToPath(new URL('./', import.meta.url));
const LONGEST_MS = 60_000;

export interface LoadingOptions {
  /** Of a server, or one of those of a cluster. */
  readonly address: string;
  readonly nodes?: readonly { readonly host: string; readonly port: number }[];
  /** With memory over it. */
  readonly near?: Pick<TieredOptions, 'maxUnvalidated' | 'bus'>;
  readonly prefix: string;
  readonly limits?: LimitOptions;
  readonly defaults?: PolicyOptions;
}

export interface Asking {
  readonly name: string;
  readonly loadMs: number;
  readonly callers?: number;
  readonly options?: PolicyOptions;
}

export interface Answers {
  readonly answers: readonly string[];
  readonly loads: number;
  readonly tookMs: number;
}

export class LoadingProcess {
  private ids = 0;
  /** Names of keys whose loader has begun here. */
  private readonly loading = new Set<string>();
  private readonly exited: Promise<unknown[]>;

  private constructor(private readonly child: ChildProcess) {
    this.exited = once(child, 'exit');
    child.on(
      'message',
      ({ isLoading }: { isLoading?: string }) => isLoading !== undefined && this.loading.add(isLoading),
    );
  }

  static async start(options: LoadingOptions): Promise<LoadingProcess> {
    const child = fork(`${CHILDREN}loading.mjs`, [JSON.stringify(options)], {
      execArgv: ['--import', `${CHILDREN}typescript.mjs`],
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    await once(child, 'message', { signal: AbortSignal.timeout(LONGEST_MS) });
    return new LoadingProcess(child);
  }

  ask(asking: Asking): Promise<Answers> {
    return this.tell('ask', asking);
  }

  /** So many increments at once: the numbers of those that were confirmed. */
  async count(name: string, times: number): Promise<readonly number[]> {
    return (await this.tell<{ counts: readonly number[] }>('count', { name, times })).counts;
  }

  isLoading(name: string): boolean {
    return this.loading.has(name);
  }

  /** As an orchestrator ends it: the signal by which the process has ended. */
  async terminate(): Promise<unknown> {
    this.child.kill('SIGTERM');
    const [, signal] = await this.exited;
    return signal;
  }

  halt(): void {
    this.child.kill('SIGSTOP');
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private tell<T>(verb: string, rest: object): Promise<T> {
    const id = ++this.ids;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.child.off('message', hear);
      };
      const hear = (told: { id?: number; error?: string }): void => {
        if (told.id !== id) return;
        settle();
        if (told.error === undefined) resolve(told as T);
        else reject(new Error(told.error));
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`no answer to ${verb}`));
      }, LONGEST_MS).unref();
      this.child.on('message', hear);
      this.child.send({ id, verb, ...rest }, (error) => error !== null && reject(error));
    });
  }
}
