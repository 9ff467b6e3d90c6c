/**
 * To the master that sentinels name. ioredis waits for the answer of a sentinel without an end, does not end that
 * connection when its client is closed, and prints the errors of the connections on which it listens for failovers. Here
 * a sentinel that is silent is given up and the next one is asked, and no connection outlives the client.
 */
import { SentinelConnector, type Redis, type RedisOptions as ClientOptions } from 'ioredis';
import type { Socket } from 'node:net';
import { machineClock } from '../../../core/clock.js';
import { outlived, ServerConnector } from './server-connector.js';

/** In which a sentinel has to answer, connection included, of the time that connections may take. */
const SHARE = 1 / 4;
const CONNECT_MS = 2_000;

type Asking = (endpoint: unknown, options?: ClientOptions) => Redis;

export class MasterConnector extends SentinelConnector {
  /** Connections to sentinels that have not ended. */
  private readonly asked = new Set<Redis>();
  private readonly waits: SentinelWaits;
  private left: unknown;

  constructor(options: ClientOptions) {
    super(options as ConstructorParameters<typeof SentinelConnector>[0]);
    this.waits = new SentinelWaits(options);
    // Not shown by its declarations; where it has another name connections to sentinels are as ioredis makes them.
    const ask = Reflect.get(this, 'connectToSentinel') as Asking | undefined;
    if (typeof ask !== 'function') return;
    const Connector = SentinelSocketConnector as unknown as NonNullable<ClientOptions['Connector']>;
    const asked: Asking = (endpoint, said) => {
      const sentinel = ask.call(this, endpoint, { ...said, connectTimeout: this.waits.nextMs, Connector });
      return said?.lazyConnect === true ? this.listening(sentinel) : this.answering(sentinel);
    };
    Reflect.set(this, 'connectToSentinel', asked);
  }

  override async connect(emit: Parameters<SentinelConnector['connect']>[0]): Promise<Socket> {
    const socket = outlived((await super.connect(emit)) as Socket);
    this.waits.reset();
    // Those that were listened to for the last connection; once this one is made, ioredis listens to sentinels anew.
    this.leave();
    return socket;
  }

  /** A socket that is ending is not ended again: see ServerConnector. */
  override disconnect(): void {
    if (this.stream !== undefined && this.stream === this.left) this.connecting = false;
    else {
      this.left = this.stream;
      super.disconnect();
    }
    this.leave();
  }

  /** One that is asked for the master, in bounded time. */
  private answering(sentinel: Redis): Redis {
    const cancel = machineClock.after(this.waits.nextMs, () => {
      this.waits.silent();
      sentinel.disconnect();
    });
    sentinel.once('end', cancel);
    return this.kept(sentinel);
  }

  /** One that tells of failovers, however long it is silent. */
  private listening(sentinel: Redis): Redis {
    sentinel.on('error', () => undefined);
    return this.kept(sentinel);
  }

  private leave(): void {
    const asked = [...this.asked];
    this.asked.clear();
    for (const sentinel of asked) sentinel.disconnect();
  }

  private kept(sentinel: Redis): Redis {
    this.asked.add(sentinel);
    sentinel.once('end', () => this.asked.delete(sentinel));
    // The socket to the master may connect after its client was closed, and have sentinels listened to.
    if (!this.connecting) sentinel.disconnect();
    return sentinel;
  }
}

/**
 * How long the next sentinel may take. A quarter of `connectTimeout`, so that a start finds the master behind hung ones;
 * where all were too slow, twice as long in the next round, up to the whole.
 */
class SentinelWaits {
  private readonly longestMs: number;
  private readonly sentinels: number;
  private inVain = 0;

  constructor({ connectTimeout = CONNECT_MS, sentinels }: ClientOptions) {
    this.longestMs = connectTimeout;
    this.sentinels = Math.max(1, sentinels?.length ?? 1);
  }

  get nextMs(): number {
    const rounds = Math.floor(this.inVain / this.sentinels);
    return Math.min(this.longestMs, this.longestMs * SHARE * 2 ** Math.min(rounds, 10));
  }

  silent(): void {
    this.inVain++;
  }

  reset(): void {
    this.inVain = 0;
  }
}

/** A sentinel that hangs takes no leave: its socket is not waited for. */
class SentinelSocketConnector extends ServerConnector {
  override disconnect(): void {
    this.connecting = false;
    (this.stream as Socket | undefined)?.destroy();
  }
}
