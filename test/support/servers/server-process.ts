/** A process of a server, in one place on disk. Only processes that were started here are ever signalled. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { rm } from 'node:fs/promises';

const START_TIMEOUT_MS = 60_000;
/** Enough to see what it ended with. */
const SAID_CHARS = 4_000;

/** What runs now goes with the process of the tests, however that ends. */
const running = new Set<ChildProcess>();
const endAll = (): void => {
  for (const child of running) child.kill('SIGKILL');
};

export abstract class ServerProcess {
  private child: ChildProcess | undefined;
  private isDisturbed = false;

  protected constructor(
    readonly port: number,
    readonly dir: string,
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Whether it was killed or halted, so that what depends on its having been there all the time cannot be asked of it. */
  get wasDisturbed(): boolean {
    return this.isDisturbed;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    const { child } = this;
    this.isDisturbed = true;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
  }

  /** The process hangs: its connections stay, nothing answers. */
  halt(): void {
    this.isDisturbed = true;
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** Starts it, and waits for a line that says that it is ready. */
  protected async run(
    command: string,
    args: readonly string[],
    isReady: RegExp,
    env?: SpawnOptions['env'],
  ): Promise<void> {
    if (running.size === 0) process.once('exit', endAll);
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, ...env } });
    this.child = child;
    running.add(child);
    child.once('exit', () => {
      running.delete(child);
      if (running.size === 0) process.off('exit', endAll);
    });
    await readiness(child, command, isReady);
    child.stdout?.resume();
  }
}

function readiness(child: ChildProcess, command: string, isReady: RegExp): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    let said = '';
    const fail = (why: string): void => {
      settle();
      child.kill('SIGKILL');
      reject(new Error(`${command} ${why}`));
    };
    const onExit = (code: number | null): void => fail(`ended with ${code}: ${said.slice(-600)}`);
    const onError = (error: Error): void => fail(error.message);
    const onData = (text: Buffer): void => {
      said = (said + text.toString()).slice(-SAID_CHARS);
      if (!isReady.test(said)) return;
      settle();
      resolve();
    };
    const settle = (): void => {
      clearTimeout(giveUp);
      child.off('exit', onExit);
      child.stdout?.off('data', onData);
    };
    const giveUp = setTimeout(() => fail('was not ready in time'), START_TIMEOUT_MS);
    child.once('error', onError);
    child.once('exit', onExit);
    child.stdout?.on('data', onData);
  });
}
