/**
 * Contestants live in processes of their own, so that none pays for the garbage, the compiled code or the async hooks of
 * another. A bench file exports `contestant(name)`, which gives an object; its methods are called from here by name.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url));
/** No single question of a contestant takes longer than this. */
const ANSWER_WITHIN_MS = 180_000;

export class Remote {
  #child;
  #calls = 0;

  constructor(name, child) {
    this.name = name;
    this.#child = child;
  }

  /** Starts the contestant of a bench file. */
  static async start(file, name, execArgv = []) {
    const child = fork(CHILD, [file, name], { execArgv, env: { ...process.env, NODE_ENV: 'production' } });
    const remote = new Remote(name, child);
    await remote.call('ready');
    return remote;
  }

  /** Calls a method of the contestant. Rejects with its error, or when it does not answer. */
  call(method, ...args) {
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      const child = this.#child;
      const settle = (finish, value) => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        finish(value);
      };
      const onMessage = (reply) => {
        if (reply.id !== id) return;
        if (reply.error === undefined) settle(resolve, reply.result);
        else settle(reject, new Error(`${this.name}: ${reply.error}`));
      };
      const onExit = (code) => settle(reject, new Error(`${this.name} ended with ${code}`));
      const timer = setTimeout(
        () => settle(reject, new Error(`${this.name} did not answer to ${method}`)),
        ANSWER_WITHIN_MS,
      );
      child.on('message', onMessage);
      child.on('exit', onExit);
      child.send({ id, method, args });
    });
  }

  async stop() {
    const child = this.#child;
    if (child.exitCode !== null) return;
    const ended = new Promise((resolve) => {
      child.once('exit', resolve);
    });
    child.kill();
    await ended;
  }
}

/** Starts contestants, hands them to `work`, and ends them whatever happened. */
export async function withRemotes(file, names, work, execArgv) {
  const remotes = [];
  try {
    for (const name of names) remotes.push(await Remote.start(file, name, execArgv));
    return await work(remotes);
  } finally {
    await Promise.all(remotes.map((remote) => remote.stop()));
  }
}
