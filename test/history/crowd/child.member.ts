import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CacheError, InvalidationUnknownError } from '../../../lib/core/errors.js';
import type { MakeMember, Member, MemberParts } from './member.js';
import { SPOTS, type Kind } from './world.js';

const CHILDREN = fileURLToPath(new URL('../../support/children/', import.meta.url));
/** A process that was told to end and is still there after that does not end. */
const ENDS_WITHIN_MS = 20_000;

export interface ChildOptions {
  /** As they are given to `redis()`. */
  readonly redis: object;
  readonly prefix: string;
  readonly isTiered?: boolean;
}

interface Said {
  readonly ready?: true;
  readonly id?: number;
  readonly answer?: unknown;
  readonly error?: string;
  readonly load?: number;
  readonly key?: number;
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * An application in a process of its own, as a rolling restart has it: told to end by SIGTERM, which its framework hears,
 * it gets no further calls, answers those it has, and is followed by another.
 */
export class ChildMember implements Member {
  private child: ChildProcess | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private calls = 0;
  private starting: Promise<void> | undefined;
  private isClosed = false;
  /** Processes that were told to end and did not. */
  stuck = 0;

  constructor(
    private readonly options: ChildOptions,
    private readonly parts: MemberParts,
  ) {}

  static on(options: ChildOptions, made: (member: ChildMember) => void): MakeMember {
    return (parts) => {
      const member = new ChildMember(options, parts);
      made(member);
      return member;
    };
  }

  open(): Promise<void> {
    this.starting ??= this.start();
    return this.starting;
  }

  ready(): Promise<void> | undefined {
    return this.starting;
  }

  read(key: number): Promise<unknown> {
    return this.call('read', key);
  }

  invalidate(kind: Kind, key: number): Promise<unknown> {
    return this.call(kind, key);
  }

  /** Ends the process as an orchestrator does, and starts the next. */
  async roll(): Promise<void> {
    const { child } = this;
    if (child === undefined || this.starting !== undefined || this.isClosed) return;
    this.starting = (async () => {
      await this.end(child);
      if (!this.isClosed) await this.start();
    })();
    await this.starting;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.starting;
    if (this.child !== undefined) await this.end(this.child);
  }

  private async start(): Promise<void> {
    const child = fork(`${CHILDREN}crowd-process.mjs`, [JSON.stringify({ ...this.options, spots: SPOTS })], {
      execArgv: ['--import', `${CHILDREN}typescript.mjs`],
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    await new Promise<void>((resolve, reject) => {
      child.on('message', (said: Said) => {
        if (said.ready === true) resolve();
        else void this.hear(child, said);
      });
      child.once('exit', () => reject(new Error('a process of the history has not started')));
    });
    this.child = child;
    this.starting = undefined;
  }

  private async end(child: ChildProcess): Promise<void> {
    this.child = undefined;
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(ENDS_WITHIN_MS) });
    child.kill('SIGTERM');
    await ended.catch(() => {
      this.stuck++;
      child.kill('SIGKILL');
    });
    for (const { reject } of this.waiting.values()) reject(new Error('the process has ended without an answer'));
    this.waiting.clear();
  }

  private call(verb: string, key: number): Promise<unknown> {
    const id = ++this.calls;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      if (this.child === undefined) reject(new Error('no process is up'));
      else this.child.send({ id, verb, key });
    });
  }

  private async hear(child: ChildProcess, { id = 0, answer, error, load, key = 0 }: Said): Promise<void> {
    if (load !== undefined) {
      const value = await this.parts.load(key);
      if (child.connected) child.send({ loaded: load, value });
      return;
    }
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) waiting?.resolve(answer);
    else if (error === 'CACHE_INVALIDATION_UNKNOWN') waiting?.reject(new InvalidationUnknownError('a call', 'redis'));
    else waiting?.reject(new Error(error));
  }
}

/** Whether an invalidation may have happened or not: its caller was told so. */
export function isUnknown(error: unknown): boolean {
  return error instanceof CacheError;
}
