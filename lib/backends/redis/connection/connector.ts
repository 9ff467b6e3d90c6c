/**
 * Sockets whose errors always have a listener. ioredis listens to the first error of each; a TLS socket that refused a
 * certificate, or was ended during its handshake, may raise a second one when the server's complaint arrives, and an
 * error without a listener ends the process.
 */
import { AbstractConnector, SentinelConnector, type RedisOptions as ClientOptions } from 'ioredis';
import { connect as connectPlain, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { watchHandshake } from './handshake.js';

type Connector = NonNullable<ClientOptions['Connector']>;

/** Makes the sockets of a client with these options. */
export function connectorFor({ Connector, sentinels }: Pick<ClientOptions, 'Connector' | 'sentinels'>): Connector {
  return Connector ?? ((sentinels == null ? ServerConnector : MasterConnector) as Connector);
}

/** To the server that the options name. */
class ServerConnector extends AbstractConnector {
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

  /** What has ended already is not ended again: ioredis would wait for that with a timer, and keep the process. */
  override disconnect(): void {
    if ((this.stream as Socket | undefined)?.destroyed === true) this.connecting = false;
    else super.disconnect();
  }
}

type Asking = (endpoint: unknown, options?: ClientOptions) => unknown;

/** To the master that sentinels name. The sentinels are reached by connections of the same kind. */
class MasterConnector extends SentinelConnector {
  constructor(...args: ConstructorParameters<typeof SentinelConnector>) {
    super(...args);
    // Not shown by its declarations; where it has another name connections to sentinels are as ioredis makes them.
    const ask = Reflect.get(this, 'connectToSentinel') as Asking | undefined;
    if (typeof ask !== 'function') return;
    const asked: Asking = (endpoint, options) =>
      ask.call(this, endpoint, { ...options, Connector: ServerConnector as unknown as Connector });
    Reflect.set(this, 'connectToSentinel', asked);
  }

  override async connect(emit: Parameters<SentinelConnector['connect']>[0]): Promise<Socket> {
    return outlived((await super.connect(emit)) as Socket);
  }
}

/** The first error has been dealt with; further ones of the same socket say nothing new. */
function outlived(socket: Socket): Socket {
  return watchHandshake(socket.on('error', () => undefined));
}
