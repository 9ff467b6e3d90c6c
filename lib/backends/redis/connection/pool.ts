import type { Clock } from '../../../core/clock.js';
import { BackendError } from '../../../core/errors.js';
import { untilThere } from '../../remote/start.js';
import { DriverTicks } from '../../shared/driver-ticks.js';
import { RedisConnection, type Argument } from './connection.js';
import type { ConnectionEvents } from './gate.js';
import type { Client } from './send-command.js';
import { keepConnected } from './reconnect.js';
import type { ServerIdentity } from './server-probe.js';
import type { Script } from '../scripts/script.js';

/** A client that does not say that it has ended is left behind. */
const LONGEST_CLOSE_MS = 1_000;
const SILENT = 'no answer in time';

export interface PoolEvents extends Omit<ConnectionEvents, 'onError' | 'clock'> {
  /** A connection failed, and may be made anew; or others are up. */
  onTrouble(problem: string): void;
  /** No connection is up, and this is why. */
  onAway(problem: string): void;
}

interface PoolParts {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** All connections of one backend. Calls take turns among those that are up. */
export class RedisPool {
  /** Sends what waits for the end of the turn: what is sent next is to come behind it. */
  beforeSending: (() => void) | undefined;
  private readonly connections: readonly RedisConnection[];
  private readonly clock: Clock;
  private readonly stopReconnecting: readonly (() => void)[];
  private readonly ticks = new DriverTicks();
  private isClosed = false;
  private readonly tellAway: (problem: string) => void;
  private turn = 0;
  /** What went wrong last, for an application that cannot start without a server. */
  private problem: string | undefined;

  constructor(clients: readonly Client[], isOwned: boolean, events: PoolEvents, { clock, random }: PoolParts) {
    this.clock = clock;
    this.tellAway = events.onAway;
    this.ticks.run();
    const onError = (problem: string): void => {
      this.problem = problem;
      if (this.connections.some(({ isUp }) => isUp)) events.onTrouble(problem);
      else events.onAway(problem);
    };
    // The address leads to another server now. What one connection removes there, another must not read where it was.
    const onReborn = (identity?: ServerIdentity): void => {
      events.onReborn();
      for (const connection of this.connections) connection.keepTo(identity);
    };
    const all = { ...events, clock, onError, onReborn };
    this.connections = clients.map((client) => new RedisConnection(client, isOwned, all));
    this.stopReconnecting = isOwned ? clients.map((client) => keepConnected(client, clock, random)) : [];
  }

  /** The connection whose turn it is. A reading that needs several answers keeps to one. */
  pick(): RedisConnection {
    const { connections } = this;
    this.beforeSending?.();
    this.ticks.run();
    for (let tries = connections.length; tries > 0; tries--) {
      this.turn = (this.turn + 1) % connections.length;
      const connection = connections[this.turn] as RedisConnection;
      if (connection.isUp) return connection;
    }
    throw new BackendError('a call', 'redis', { why: 'not connected' });
  }

  async run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    return this.pick().run(script, keys, args);
  }

  /** @param master of a cluster; otherwise any server that answers */
  async ping(master?: string): Promise<void> {
    await this.pick().ping(master);
  }

  /**
   * Waits for the first connection, for a while. An application that can do without it starts at the first refusal; one
   * that cannot goes on looking.
   * @param ask what else a start has to know of the server, within the same time
   * @throws BackendError when it was required and is not there, and what `ask` throws
   */
  async opened(forMs: number, isRequired: boolean, ask: () => Promise<void>): Promise<void> {
    // A client of the application may not have tried to connect yet.
    const answers = async (connection: RedisConnection): Promise<void> => {
      await connection.ready();
      if (isRequired) await connection.ping();
    };
    const look = async (): Promise<void> => {
      await Promise.any(this.connections.map(answers));
      await ask();
    };
    const found = await untilThere({
      kind: 'redis',
      clock: this.clock,
      forMs,
      isRequired,
      look,
      why: () => this.problem,
      isClosed: () => this.isClosed,
    });
    if (found === 'silent') this.tellAway(this.problem ?? SILENT);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const stopReconnecting of this.stopReconnecting) stopReconnecting();
    this.ticks.run();
    const closed = Promise.all(this.connections.map((connection) => connection.close()));
    await Promise.race([closed, this.clock.sleep(LONGEST_CLOSE_MS)]);
    this.ticks.close();
  }
}
