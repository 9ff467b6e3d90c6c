/**
 * A client that costs little: keep-alive connections over plain sockets, one request under way on each, answers told
 * apart by their length. The answers of one route are all of one length; the first one is proven by its caller.
 */
import { connect } from 'node:net';

const IDLE_MS = 10_000;

export class HttpLoad {
  #sockets = [];
  #request;
  #answerBytes = 0;

  constructor(port, path, headers = {}) {
    this.port = port;
    const lines = Object.entries({ host: `127.0.0.1:${port}`, connection: 'keep-alive', ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    this.#request = `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
  }

  /** Opens the connections. Returns the first answer, head and body. */
  async open(connections) {
    for (let index = 0; index < connections; index++) {
      const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      socket.setTimeout(IDLE_MS);
      this.#sockets.push(socket);
    }
    const first = await this.#one(this.#sockets[0]);
    this.#answerBytes = Buffer.byteLength(first);
    return first;
  }

  /** Sends that many requests over all connections and waits for the answers. Returns milliseconds. */
  async send(requests) {
    let unsent = requests;
    const startedAt = performance.now();
    await Promise.all(
      this.#sockets.map((socket) =>
        this.#pump(socket, () => {
          if (unsent === 0) return false;
          unsent--;
          return true;
        }),
      ),
    );
    return performance.now() - startedAt;
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
  }

  #pump(socket, mayAsk) {
    return new Promise((resolve, reject) => {
      let missing = 0;
      const finish = (settle, value) => {
        socket.off('data', onData);
        socket.off('error', onError);
        socket.off('timeout', onTimeout);
        socket.off('close', onClose);
        settle(value);
      };
      const ask = () => {
        if (!mayAsk()) return finish(resolve);
        missing = this.#answerBytes;
        socket.write(this.#request);
      };
      const onError = (error) => finish(reject, error);
      const onTimeout = () => finish(reject, new Error('the server does not answer'));
      // A server that closes an idle connection says nothing else: without this a load would wait for ever.
      const onClose = () => finish(reject, new Error('the server closed a connection'));
      const onData = (chunk) => {
        missing -= chunk.length;
        if (missing < 0) finish(reject, new Error('an answer was longer than the first one'));
        else if (missing === 0) ask();
      };
      socket.on('data', onData);
      socket.on('error', onError);
      socket.on('timeout', onTimeout);
      if (socket.destroyed) return onClose();
      socket.on('close', onClose);
      ask();
    });
  }

  /** One answer whole, by its content-length. */
  #one(socket) {
    return new Promise((resolve, reject) => {
      let text = '';
      const onData = (chunk) => {
        text += chunk.toString('latin1');
        const head = text.indexOf('\r\n\r\n');
        const length = /content-length: (\d+)/i.exec(text)?.[1];
        if (head < 0 || length === undefined || text.length < head + 4 + Number(length)) return;
        socket.off('data', onData);
        socket.off('error', reject);
        resolve(text);
      };
      socket.on('data', onData);
      socket.on('error', reject);
      socket.write(this.#request);
    });
  }
}

function once(emitter, event) {
  return new Promise((resolve, reject) => {
    emitter.once(event, resolve);
    emitter.once('error', reject);
  });
}
