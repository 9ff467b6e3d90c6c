/**
 * Sockets whose errors always have a listener. ioredis listens to the first error of each; a TLS socket that refused a
 * certificate, or was ended during its handshake, may raise a second one when the server's complaint arrives, and an
 * error without a listener ends the process.
 */
import { AbstractConnector, type RedisOptions as ClientOptions } from 'ioredis';
import { connect as connectPlain, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { watchHandshake } from './handshake.js';
import { givenUpUnheard } from './heard.js';

/** To the server that the options name. */
export class ServerConnector extends AbstractConnector {
  private left: unknown;

  constructor(private readonly options: ClientOptions) {
    super(options.disconnectTimeout ?? 0);
  }

  async connect(): Promise<Socket> {
    const { path, host, port, family, tls } = this.options;
    this.connecting = true;
    // The client is told of its socket later than it asks, and may have been closed meanwhile.
    await Promise.resolve();
    if (!this.connecting) throw new Error('Connection is closed.');
    const to = (path == null ? { host, port, family } : { path }) as TcpNetConnectOpts;
    const socket = tls ? connectTls({ ...to, ...tls }) : connectPlain(to);
    this.stream = socket;
    socket.once('error', (error) => {
      this.firstError = error;
    });
    return outlived(socket);
  }

  /**
   * What has ended already, or is ending, is not ended again: ioredis would wait for that with a timer and a listener each
   * time. It is told to once for each call that a demoted master refuses.
   */
  override disconnect(): void {
    const stream = this.stream as Socket | undefined;
    if (stream !== undefined && (stream.destroyed || stream === this.left)) this.connecting = false;
    else {
      this.left = stream;
      super.disconnect();
    }
  }
}

/** No part of the library waits for what is told after the first error has been dealt with. */
export function outlived(socket: Socket): Socket {
  return watchHandshake(givenUpUnheard(socket.on('error', () => undefined)));
}
