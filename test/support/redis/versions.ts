/** Processes of other versions of the library: its sources in a place of their own, with something changed in them. */
import { fork, type ChildProcess } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CHILDREN = join('test', 'support', 'children');
const MACHINE = join('test', 'support', 'machine', 'assemble.ts');

/** A file of `lib`, what stands there once, and what stands there in this version. */
export type Change = readonly [file: string, before: string, after: string];

/** The sources of a version, on disk. */
export class Version {
  private constructor(private readonly root: string) {}

  static async with(...changes: readonly Change[]): Promise<Version> {
    const root = await mkdtemp(join(tmpdir(), 'scoped-cache-version-'));
    await cp(join(ROOT, 'lib'), join(root, 'lib'), { recursive: true });
    await cp(join(ROOT, CHILDREN), join(root, CHILDREN), { recursive: true });
    await cp(join(ROOT, MACHINE), join(root, MACHINE));
    await cp(join(ROOT, 'package.json'), join(root, 'package.json'));
    await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
    for (const [file, before, after] of changes) {
      const path = join(root, 'lib', file);
      const source = await readFile(path, 'utf8');
      if (source.split(before).length !== 2) throw new Error(`${file} does not have this once: ${before}`);
      await writeFile(
        path,
        source.replace(before, () => after),
      );
    }
    return new Version(root);
  }

  /** A process that runs it, once it is connected. */
  async start(url: string, prefix: string): Promise<VersionProcess> {
    const children = join(this.root, CHILDREN);
    const child = fork(join(children, 'version.mjs'), [url, prefix], {
      execArgv: ['--import', join(children, 'typescript.mjs')],
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const started = new VersionProcess(child);
    await started.ready;
    return started;
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

interface Told {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class VersionProcess {
  private asked = 0;
  private readonly waiting = new Map<number, Waiting>();
  readonly ready: Promise<unknown>;

  constructor(private readonly child: ChildProcess) {
    this.ready = this.answerTo(0);
    child.on('message', (message) => {
      const { id, answer, error } = message as Told;
      const waiting = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) waiting?.resolve(answer);
      else waiting?.reject(new Error(error));
    });
    child.once('exit', (code) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`the process ended with ${code}`));
    });
  }

  /** Has it done by the process; see children/version.mjs. */
  ask(verb: string, ...args: readonly unknown[]): Promise<unknown> {
    const id = ++this.asked;
    const answer = this.answerTo(id);
    this.child.send({ id, verb, args });
    return answer;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    await this.ask('close').catch(() => undefined);
    const killing = setTimeout(() => this.child.kill('SIGKILL'), 3_000);
    await ended;
    clearTimeout(killing);
  }

  private answerTo(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
    });
  }
}
