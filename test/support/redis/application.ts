/** An application on Redis as a process of its own: see children/application.mjs. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ClusterNode, RedisOptions as ClientOptions } from 'ioredis';
import type { RedisOptions } from '../../../lib/backends/redis/options.js';
import { randomPrefix } from './redis-process.js';

const CHILDREN = fileURLToPath(new URL('../children/', import.meta.url));

export interface ApplicationOptions {
  /** Of ioredis. */
  readonly version: 5 | 6;
  readonly options?: Omit<RedisOptions, 'client'>;
  /** The options of a client that the cache is given. */
  readonly adopted?: ClientOptions | { readonly nodes: readonly ClusterNode[] };
  /** With memory over it. */
  readonly isTiered?: boolean;
  readonly isEncrypted?: boolean;
}

interface Told {
  readonly warned?: string;
  readonly failed?: string;
  readonly startedMs?: number;
  readonly isHit?: boolean;
  readonly refused?: number;
}

export class Application {
  private readonly child: ChildProcess;
  private said = '';
  private readonly warnings: string[] = [];

  constructor(options: ApplicationOptions) {
    this.child = fork(`${CHILDREN}application.mjs`, [JSON.stringify({ prefix: randomPrefix(), ...options })], {
      execArgv: ['--import', `${CHILDREN}typescript.mjs`],
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (text: Buffer) => (this.said += text.toString()));
    this.child.on('message', ({ warned }: Told) => {
      if (warned !== undefined) this.warnings.push(warned);
    });
  }

  /** Everything that it has printed. */
  get printed(): string {
    return this.said;
  }

  /** What its observers were warned of. */
  get warned(): string {
    return this.warnings.join('\n');
  }

  /** How long its start took, once it is over. @throws when it takes longer than this */
  async started(withinMs: number): Promise<number> {
    return (await this.told('start', withinMs)).startedMs ?? NaN;
  }

  /** Whether the cache keeps what it is given. */
  async isHit(): Promise<boolean> {
    const telling = this.told('answer', 10_000);
    this.child.send('ask');
    return (await telling).isHit === true;
  }

  /** Sets fifty at once; how many of them failed. */
  async setMany(): Promise<number> {
    const telling = this.told('answer', 10_000);
    this.child.send('set many');
    return (await telling).refused ?? NaN;
  }

  /** Closes the application, and waits for the process to end of itself. @throws when it does not */
  async close(withinMs: number): Promise<void> {
    const ended = once(this.child, 'exit', { signal: AbortSignal.timeout(withinMs) });
    this.child.send('close');
    await ended.catch(() => {
      throw new Error(`the process is there ${withinMs} ms after it was closed`);
    });
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** What it says next, warnings apart. */
  private told(what: string, withinMs: number): Promise<Told> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(giveUp);
        this.child.off('message', hear);
      };
      const hear = (told: Told): void => {
        if (told.warned !== undefined) return;
        settle();
        if (told.failed === undefined) resolve(told);
        else reject(new Error(told.failed));
      };
      const giveUp = setTimeout(() => {
        settle();
        reject(new Error(`no ${what} within ${withinMs} ms: ${this.said}`));
      }, withinMs);
      this.child.on('message', hear);
    });
  }
}
