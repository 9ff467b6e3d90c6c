/** The network that the tests make bad: it may be slow, but it never mixes up what it carries. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TcpProxy } from './tcp-proxy.js';

/** What it was sent comes back. */
async function startEcho(): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => socket.on('error', () => undefined).pipe(socket));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

/** As a process that has other work: its timers are late, and several are due at once. */
function beBusy(forMs: number): void {
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs);
}

describe('a bad network', () => {
  let echo: Server;
  let proxy: TcpProxy;
  let socket: Socket;

  beforeEach(async () => {
    echo = await startEcho();
    proxy = await TcpProxy.before((echo.address() as AddressInfo).port);
    socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
  });
  afterEach(async () => {
    socket.destroy();
    await proxy.close();
    await new Promise((resolve) => {
      echo.close(resolve);
    });
  });

  it.each([
    ['however its delay changes', (at: number) => (proxy.delayMs = (at * 7) % 5)],
    ['however many bytes it lets pass', (at: number) => (proxy.bytesPerSecond = at % 3 === 0 ? 0 : 20_000)],
  ])('passes everything in its order, %s', async (_, change) => {
    let got = '';
    socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
    let sent = '';
    for (let at = 0; at < 400; at++) {
      const text = `${at} `;
      change(at);
      socket.write(text);
      sent += text;
      beBusy(at % 10 === 0 ? 3 : 0.3);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    const untilMs = performance.now() + 10_000;
    while (got.length < sent.length && performance.now() < untilMs) {
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
    expect(got).toBe(sent);
  });
});
