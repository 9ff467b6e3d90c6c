/** A machine with two levels, or with one, in a process of its own, that can be halted, blocked and killed. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Duration } from '../../../lib/core/duration.js';

const CHILDREN = new URL('../children/', import.meta.url);

export interface TieredProcessOptions {
  readonly maxUnvalidated?: Duration;
  readonly bus?: { readonly heartbeat?: Duration } | false;
  readonly lease?: Duration;
  /** False: nothing is kept in the process. @default true */
  readonly near?: boolean;
}

export type Verb = 'get' | 'load' | 'set' | 'evict' | 'level' | 'block';

interface Reply {
  readonly id?: number;
  readonly answer?: unknown;
  readonly error?: string;
  readonly load?: number;
  readonly name?: string;
  readonly ready?: true;
}

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class TieredProcess {
  private readonly pending = new Map<number, Pending>();
  private calls = 0;

  private constructor(
    private readonly child: ChildProcess,
    private readonly source: (name: string) => unknown,
  ) {
    child.on('message', (reply: Reply) => void this.receive(reply));
    child.once('exit', () => {
      for (const { reject } of this.pending.values()) reject(new Error('the process has ended'));
      this.pending.clear();
    });
  }

  /** @param source answers its loaders; may take its time, or for ever */
  static async start(
    /** Of Redis or of MongoDB. */
    url: string,
    prefix: string,
    options: TieredProcessOptions = {},
    source: (name: string) => unknown = () => 'loaded',
  ): Promise<TieredProcess> {
    const child = fork(fileURLToPath(new URL('tiered-process.mjs', CHILDREN)), [url, prefix, JSON.stringify(options)], {
      execArgv: ['--import', fileURLToPath(new URL('typescript.mjs', CHILDREN))],
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const started = new TieredProcess(child, source);
    await new Promise<void>((resolve, reject) => {
      child.on('message', ({ ready }: Reply) => {
        if (ready === true) resolve();
      });
      child.once('exit', () => reject(new Error('the process did not start')));
    });
    return started;
  }

  call(verb: Verb, name = '', value?: unknown): Promise<unknown> {
    const id = ++this.calls;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.child.send({ id, verb, name, value });
    });
  }

  /** The process hangs: it keeps its connections and does nothing. */
  halt(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGCONT');
    this.child.kill('SIGKILL');
    await ended;
  }

  private async receive({ id, answer, error, load, name = '' }: Reply): Promise<void> {
    if (load !== undefined) {
      const settled = await Promise.resolve(this.source(name)).then(
        (value) => ({ value }),
        () => ({ hasFailed: true }),
      );
      if (this.child.connected) this.child.send({ loaded: load, ...settled });
      return;
    }
    const pending = this.pending.get(id ?? 0);
    this.pending.delete(id ?? 0);
    if (error === undefined) pending?.resolve(answer);
    else pending?.reject(new Error(error));
  }
}
