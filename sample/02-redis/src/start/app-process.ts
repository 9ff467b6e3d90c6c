import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath, URL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { dim } from '../../../01-quick-start/src/terminal.js';
import type { Database } from '../database/database.js';
import type { Request } from '../database/messages.js';

const SERVER = fileURLToPath(new URL('../server.js', import.meta.url));
/** `[Nest] 4711  - 01/01/2026, 12:00:00 PM    WARN [CacheModule] ` in front of what matters. */
const LOGGER_LEAD = /^\[Nest\].*?(?:WARN|ERROR) \[\w+\] /;

/** The application has not started; why has been said, or is in the message. */
export class StartError extends Error {}

interface Ready {
  readonly kind: 'ready';
  readonly url: string;
}

/** One process of the application. */
export class AppProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** @param settings environment variables, `PORT` among them */
  static async start(name: string, settings: Record<string, string>, database: Database): Promise<AppProcess> {
    const child = fork(SERVER, {
      env: { ...process.env, ...settings },
      execArgv: ['--enable-source-maps'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const output of [child.stdout, child.stderr]) {
      if (output !== null) createInterface({ input: output }).on('line', (line) => say(name, line));
    }
    const url = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) => reject(new StartError(`${name} has not started (it ended with ${code}).`)));
      child.on('message', (message: Ready | Request) => {
        if (message.kind === 'ready') resolve(message.url);
        else child.send(database.answer(message));
      });
    });
    return new AppProcess(child, url);
  }

  /** Asks it to close, and waits until it has. */
  async stop(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
}

function say(name: string, line: string): void {
  const text = stripVTControlCharacters(line).replace(LOGGER_LEAD, '').trim();
  if (text !== '') console.log(dim(`    ${name}: ${text}`));
}
