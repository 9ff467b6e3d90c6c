/**
 * Whether calls pass to the server behind one client, ours or adopted. Nothing is asked of a server before it has been
 * probed: after a reconnect another one may answer, or the same one with yesterday's data, and invalidations that it does
 * not know have to be sent again before any caller reads (guarantee G7). Nothing is believed of a replica, nor of a master
 * that has not said for two seconds that it still is one. While there is no server, calls fail at once instead of waiting
 * for their deadline.
 */
import type { Cluster, Redis } from 'ioredis';
import type { Clock } from '../../../core/clock.js';
import { BackendError } from '../../../core/errors.js';
import { isReply, problemOf, redisError, saysWord } from './errors.js';
import { tlsHint } from './handshake.js';
import { MasterHistories } from './master-histories.js';
import { RoleWatch } from './role-watch.js';
import type { Client } from './send-command.js';
import { probeServer, type Role, type ServerIdentity } from './server-probe.js';
import { TopologyWatch } from './topology-watch.js';

export interface ConnectionEvents {
  /** A client without a listener would print its errors. */
  onError(problem: string): void;
  onWarning(problem: string): void;
  /** Something about the server that an operator had better know; once is enough. */
  onOddity(oddity: string): void;
  /** Another server answers than before, a restarted one, or one that holds other data. @param identity of a single one */
  onReborn(identity?: ServerIdentity): void;
  /** A master of a cluster is back whose connection had ended. */
  onReturned?(master: string): void;
  /** A connection to a master of a cluster has ended, or one that was being made. */
  onGone?(master: string): void;
  /** Calls pass from here on. */
  onOpen(): void;
  /** The server's clock showed `serverMs` in answer to a question asked at some moment. */
  onTime(serverMs: number, askedAtMs: number): void;
  readonly clock: Clock;
  /** The option that says where the server is. */
  readonly where: string;
}

type Waiting = Readonly<{ resolve: () => void; reject: (error: Error) => void }>;

/** - `probing`: not yet connected, or the server has not answered the probe yet. Calls wait. - `down`: calls fail. */
type State = 'probing' | 'open' | 'down';

/** How soon it is tried again whether a master answers where a replica did. */
const LOOK_AGAIN_MS = 1_000;

const OTHER_DATA =
  'the history of the data has another name than before (master_replid); the last invalidations are sent again';

export class ConnectionGate {
  private state: State = 'probing';
  private waiting: Waiting[] = [];
  /** The single server that answered last, and whose data it held. */
  private identity: ServerIdentity | undefined;
  private readonly topology: TopologyWatch;
  private readonly role: RoleWatch;
  /** Of a cluster. */
  private readonly histories: MasterHistories | undefined;
  /** Counts connections, so that the probe of an earlier one does not let calls pass to a later one. */
  private epoch = 0;
  /** A replica answered last: a master in its place may have missed what was confirmed elsewhere. */
  private wasReplica = false;
  private cancelLook: (() => void) | undefined;

  constructor(
    private readonly client: Client,
    private readonly isOwned: boolean,
    private readonly events: ConnectionEvents,
  ) {
    this.topology = new TopologyWatch({
      onNew: () => events.onReborn(),
      onReturned: (master) => events.onReturned?.(master),
      onGone: (master) => events.onGone?.(master),
    });
    this.role = new RoleWatch(client, events.clock, {
      onReplica: () => this.demoted(),
      onMaster: (replid) => this.looked(replid),
      onLack: (lack) => this.noteOddity(lack),
    });
    if (client.isCluster)
      this.histories = new MasterHistories(
        client as Cluster,
        events.clock,
        () => this.otherData(undefined),
        (lack) => this.noteOddity(lack),
      );
    client.on('error', this.onError);
    client.on('ready', this.onReady);
    for (const event of ['close', 'end'] as const) client.on(event, this.onClose);
    if (client.isCluster) client.on('refresh', this.watchTopology);
    if (client.status === 'ready') this.onReady();
    else if (client.status === 'end') this.state = 'down';
  }

  get isUp(): boolean {
    return this.state !== 'down';
  }

  /** Resolves when calls pass, rejects when there is no server. */
  ready(): Promise<void> {
    if (this.state === 'open') return Promise.resolve();
    if (this.state === 'down') return Promise.reject(notConnected());
    // An adopted client that connects when it is needed.
    if (this.client.status === 'wait') this.client.connect().catch(() => undefined);
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
    });
  }

  async send<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { client } = this;
    if (this.state !== 'open') await this.ready();
    const looking = this.role.isKnown ? undefined : this.role.look();
    this.histories?.lookIfLate();
    try {
      const answer = await work(client);
      if (looking !== undefined) await this.confirmed(looking);
      return answer;
    } catch (error) {
      if (saysWord(error, 'READONLY')) this.role.disbelieve();
      throw redisError(error);
    } finally {
      if (client.isCluster) this.watchTopology();
    }
  }

  /** The same by calls, for hits: a promise for each step costs them a tenth. `done` and `failed` must not throw. */
  tell<T>(work: (client: Client) => Promise<T>, done: (answer: T) => void, failed: (error: unknown) => void): void {
    const { client } = this;
    if (this.state !== 'open' || !this.role.isKnown) {
      this.send(work).then(done, failed);
      return;
    }
    this.histories?.lookIfLate();
    const heard = (answer: T): void => {
      this.watchTopology();
      done(answer);
    };
    work(client).then(client.isCluster ? heard : done, (error: unknown) => {
      if (saysWord(error, 'READONLY')) this.role.disbelieve();
      this.watchTopology();
      failed(redisError(error));
    });
  }

  /** Asks nothing more of a server that is another than this. The same one with other data has been met: one meeting is enough. */
  keepTo(identity: ServerIdentity | undefined): void {
    if (this.identity?.runId === identity?.runId) this.identity = identity;
    else this.connectAnew();
  }

  /** Of many calls that find the same connection wrong, the first drops it. */
  connectAnew(): void {
    if (this.state === 'down') return;
    this.onClose();
    this.client.disconnect(true);
  }

  /** No call passes any more, and nothing more is heard of the client. */
  close(): void {
    const { client } = this;
    client.off('error', this.onError);
    client.off('ready', this.onReady);
    for (const event of ['close', 'end'] as const) client.off(event, this.onClose);
    client.off('refresh', this.watchTopology);
    this.topology.stop();
    this.onClose();
  }

  /** An answer that came behind the question of what the server is, which this process was kept from asking in time. */
  private async confirmed(looking: Promise<boolean>): Promise<void> {
    const isMaster = await looking;
    if (this.state !== 'open' || !isMaster) throw notConnected();
  }

  private readonly onError = (error: Error): void => {
    if (this.client.status !== 'ready') this.onClose();
    const problem = problemOf(error);
    // A server that has answered before speaks as we do.
    const hint = this.identity === undefined ? tlsHint((this.client as Partial<Redis>).stream, problem) : '';
    this.events.onError(`${problem}${hint}`);
  };

  private readonly onReady = (): void => {
    this.state = 'probing';
    const epoch = ++this.epoch;
    this.probe().then(
      () => undefined,
      (error: unknown) => {
        // A connection that is gone again will be ready again; one that is refused what it needs is of no use.
        if (this.epoch !== epoch) return;
        // A client with a `commandTimeout` gave up, and the connection is still there: nothing else would ask again.
        if (saysWord(error, 'Command timed out')) return this.onReady();
        if (!isReply(error)) return;
        this.onClose();
        this.events.onError(problemOf(error));
      },
    );
  };

  private readonly onClose = (): void => {
    this.epoch++;
    this.state = 'down';
    this.role.stop();
    this.histories?.stop();
    this.cancelLook?.();
    const { waiting } = this;
    this.waiting = [];
    for (const { reject } of waiting) reject(notConnected());
  };

  private async probe(): Promise<void> {
    const { epoch } = this;
    const askedAtMs = this.events.clock.monotonicMs();
    const { identity, role, serverMs, oddities } = await probeServer(this.client, this.isOwned);
    for (const oddity of oddities) this.noteOddity(oddity);
    if (role === 'replica') {
      if (this.epoch === epoch) this.refuse();
      return;
    }
    if (identity !== undefined) this.meet(identity);
    if (serverMs !== undefined) this.events.onTime(serverMs, askedAtMs);
    if (this.epoch === epoch) this.open(role, askedAtMs);
  }

  private noteOddity(oddity: string): void {
    this.events.onOddity(`${this.events.where}: ${oddity}`);
  }

  private meet(identity: ServerIdentity): void {
    const { identity: before, wasReplica } = this;
    this.identity = identity;
    this.wasReplica = false;
    const isSameRun = before === undefined || (identity.runId !== '' && identity.runId === before.runId);
    if (wasReplica || !isSameRun) this.events.onReborn(identity);
    else if (before !== undefined && before.replid !== identity.replid) this.otherData(identity);
  }

  private looked(replid: string): void {
    const { identity } = this;
    if (identity === undefined || identity.replid === replid) return;
    this.identity = { ...identity, replid };
    this.otherData(this.identity);
  }

  /**
   * It was a replica for a while that nothing was asked in, and may hold the data of another server, which has not heard of
   * what was confirmed here. Calls go on: what they are answered is believed once that has been said again.
   */
  private otherData(identity: ServerIdentity | undefined): void {
    this.events.onWarning(OTHER_DATA);
    this.events.onReborn(identity);
  }

  /** What it has answered meanwhile counts for nothing: neither to calls under way nor in copies of it. */
  private demoted(): void {
    this.refuse();
    this.events.onReborn(this.identity);
  }

  /**
   * A replica answers: none of its answers is believed. The address may lead to a master soon. Whether it does, a client of
   * ours finds out by a new connection; one of the application stays where it is, and the server is asked again.
   */
  private refuse(): void {
    this.wasReplica = true;
    this.onClose();
    this.events.onError(`${this.events.where} leads to a replica`);
    this.cancelLook = this.events.clock.after(LOOK_AGAIN_MS, () => {
      if (this.client.status !== 'ready') return;
      if (this.isOwned) this.client.disconnect(true);
      else this.onReady();
    });
  }

  /** After every answer, and when the client has looked at its slots; what was asked before is not answered for. */
  private readonly watchTopology = (): void => {
    if (this.client.isCluster) this.topology.look(this.client as Cluster);
  };

  private open(role: Role | undefined, askedAtMs: number): void {
    this.state = 'open';
    this.role.begin(role, askedAtMs);
    this.histories?.begin();
    this.watchTopology();
    const { waiting } = this;
    this.waiting = [];
    for (const { resolve } of waiting) resolve();
    this.events.onOpen();
  }
}

function notConnected(): BackendError {
  return new BackendError('a call', 'redis', { why: 'not connected' });
}
