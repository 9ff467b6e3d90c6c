/**
 * One client, ours or adopted, and what is known about the server behind it. Nothing is asked of a server before it has
 * been probed: after a reconnect another one may answer, or the same one with yesterday's data, and invalidations
 * that it does not know have to be sent again before any caller reads (guarantee G7). While there is no server, calls fail
 * at once instead of waiting for their deadline.
 *
 * An answer that cannot belong to its question means that answers have shifted: the connection is dropped (invariant 2),
 * and the call fails.
 */
import type { Cluster, Redis } from 'ioredis';
import { ENVELOPE_MARK_BYTES } from '../../../core/codec.js';
import { BackendError } from '../../../core/errors.js';
import { sendCommand } from './send-command.js';
import { TopologyWatch } from './topology-watch.js';
import { probeServer } from './server-probe.js';
import { isReply, problemOf, redisError, saysWord } from './errors.js';
import { nonce } from '../../shared/nonce.js';
import { tlsHint } from './handshake.js';
import { keysLike } from './keyspace.js';
import { factsOf, fieldTexts, isListOf, text } from './reply.js';
import type { Script } from '../scripts/script.js';
import { redacted } from './redacted-bytes.js';

export type Argument = string | Buffer | number;
export type Client = Redis | Cluster;

export interface ConnectionEvents {
  /** A client without a listener would print its errors. */
  onError(problem: string): void;
  onWarning(problem: string): void;
  /** Another server answers than before, or a restarted one. @param runId of a single server: which one */
  onReborn(runId?: string): void;
  /** Calls pass from here on. */
  onOpen(): void;
  /** The server's clock showed `serverMs` in answer to a question asked at some moment. */
  onTime(serverMs: number, askedAtMs: number): void;
  monotonicMs(): number;
}

type Waiting = Readonly<{ resolve: () => void; reject: (error: Error) => void }>;

/** - `probing`: not yet connected, or the server has not answered the probe yet. Calls wait. - `down`: calls fail. */
type State = 'probing' | 'open' | 'down';

export class RedisConnection {
  private state: State = 'probing';
  private waiting: Waiting[] = [];
  /** The run of a single server that answered last. */
  private runId: string | undefined;
  private readonly topology = new TopologyWatch();
  /** Counts connections, so that the probe of an earlier one does not let calls pass to a later one. */
  private epoch = 0;
  private isVerifying = false;

  constructor(
    readonly client: Client,
    private readonly isOwned: boolean,
    private readonly events: ConnectionEvents,
  ) {
    client.on('error', this.onError);
    client.on('ready', this.onReady);
    for (const event of ['close', 'end'] as const) client.on(event, this.onClose);
    if (client.isCluster) client.on('refresh', this.watchTopology);
    if (client.status === 'ready') this.onReady();
    // An adopted client that connects at its first command.
    else if (client.status === 'wait') this.state = 'open';
    else if (client.status === 'end') this.state = 'down';
  }

  get isUp(): boolean {
    return this.state !== 'down';
  }

  /** Resolves when calls pass, rejects when there is no server. */
  ready(): Promise<void> {
    if (this.state === 'open') return Promise.resolve();
    if (this.state === 'down') return Promise.reject(new BackendError('a call', 'redis', { why: 'not connected' }));
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
    });
  }

  /** Runs a script by its digest; a server that does not know it yet is told. */
  async run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const echo = nonce();
    const shown = args.map((arg) => (typeof arg === 'object' ? redacted(arg) : arg));
    const rest = [keys.length, ...keys, echo, ...shown];
    const reply = await this.send(async (client) => {
      try {
        return await sendCommand(client, 'EVALSHA', script.sha, ...rest);
      } catch (error) {
        if (!saysWord(error, 'NOSCRIPT')) throw error;
        return sendCommand(client, 'EVAL', script.source, ...rest);
      }
    });
    if (!Array.isArray(reply) || reply.length !== 2 || text(reply[0]) !== echo) throw this.outOfStep();
    return reply[1];
  }

  /** The values of keys of one slot, with fields of a hash of the same slot beside them: two commands, one write. */
  async readWithFields(
    keys: readonly string[],
    hash: string,
    fields: readonly string[],
  ): Promise<[readonly (Buffer | null)[], readonly (string | null)[]]> {
    // MGET even for one: it answers nothing, not an error, for a key of another type.
    const [values, found] = await this.sendTogether((client) =>
      Promise.all([client.mgetBuffer([...keys]), client.hmgetBuffer(hash, ...fields)]),
    );
    if (!isListOf(values, keys.length)) throw this.outOfStep();
    return [values, this.fieldsOf(found, fields)];
  }

  /** The same with the marks of entries instead: small, whatever they weigh. */
  async marksWithFields(
    keys: readonly string[],
    hash: string,
    fields: readonly string[],
  ): Promise<[readonly string[], readonly (string | null)[]]> {
    const [found, ...marks] = await this.sendTogether((client) => {
      const asked = keys.map((key) => client.getrangeBuffer(key, 0, ENVELOPE_MARK_BYTES - 1));
      return Promise.all([client.hmgetBuffer(hash, ...fields), ...asked]);
    });
    return [marks.map(text), this.fieldsOf(found, fields)];
  }

  /** Fields of a meta hash; the first is the generation. */
  async fields(hash: string, fields: readonly string[]): Promise<readonly (string | null)[]> {
    return this.fieldsOf(await this.send((client) => client.hmgetBuffer(hash, ...fields)), fields);
  }

  async command(name: string, ...args: Argument[]): Promise<unknown> {
    return this.send((client) => sendCommand(client, name, ...args));
  }

  /** Asks for an answer that only this question can have. @throws when another comes */
  async ping(): Promise<void> {
    const echo = nonce();
    const reply = await this.send((client) => sendCommand(client, 'PING', echo));
    if (text(reply) !== echo) throw this.outOfStep();
  }

  /** Something came that does not belong under its key. It may have been stored so; or answers have shifted. */
  verify(): void {
    if (this.isVerifying) return;
    this.isVerifying = true;
    const done = (): void => void (this.isVerifying = false);
    this.ping().then(done, done);
  }

  /** Asks nothing more of a server that is another than this. */
  keepTo(runId: string | undefined): void {
    if (this.runId !== runId) this.connectAnew();
  }

  /** The facts of one node: `INFO` as a map. */
  async facts(): Promise<ReadonlyMap<string, string>> {
    return factsOf(await this.send((client) => client.info()));
  }

  /** Every key that matches, on every master. The pattern is never a user's. */
  scanKeys(pattern: string): AsyncGenerator<string> {
    return keysLike(pattern, this.client, (work) => this.send(work));
  }

  /** Resolves when nothing of it is left that would keep a process from ending. */
  async close(): Promise<void> {
    const { client } = this;
    client.off('error', this.onError);
    client.off('ready', this.onReady);
    for (const event of ['close', 'end'] as const) client.off(event, this.onClose);
    client.off('refresh', this.watchTopology);
    this.topology.stop();
    this.onClose();
    if (!this.isOwned) return;
    // Late errors of a connection that is being dropped say nothing new.
    client.on('error', () => undefined);
    // Between two attempts there is nothing whose end could be waited for.
    const isBusy = ['connecting', 'connect', 'ready'].includes(client.status);
    const ended = new Promise<void>((resolve) => {
      client.once('end', () => resolve());
    });
    client.disconnect();
    if (isBusy) await ended;
  }

  /** What is asked at once leaves in one piece: a server that is sent half of it wakes up twice. */
  private sendTogether<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return this.send((client) => {
      // A cluster has a socket for each of its nodes, and none of its own.
      const { stream } = client as Partial<Pick<Redis, 'stream'>>;
      stream?.cork();
      try {
        return work(client);
      } finally {
        stream?.uncork();
      }
    });
  }

  private async send<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { client } = this;
    if (this.state !== 'open') await this.ready();
    try {
      return await work(client);
    } catch (error) {
      throw redisError(error);
    } finally {
      if (client.isCluster) this.watchTopology();
    }
  }

  private fieldsOf(found: unknown, fields: readonly string[]): readonly (string | null)[] {
    const texts = fieldTexts(found, fields.length);
    if (texts === undefined) throw this.outOfStep();
    return texts;
  }

  /** Of many calls that find the same connection wrong, the first drops it. */
  private connectAnew(): void {
    if (this.state === 'down') return;
    this.onClose();
    this.client.disconnect(true);
  }

  private outOfStep(): BackendError {
    this.events.onWarning('answers came in the wrong order; the connection was dropped');
    this.connectAnew();
    return new BackendError('a call', 'redis', { why: 'out of step' });
  }

  private readonly onError = (error: Error): void => {
    if (this.client.status !== 'ready') this.onClose();
    const problem = problemOf(error);
    // A server that has answered before speaks as we do.
    const hint = this.runId === undefined ? tlsHint((this.client as Partial<Redis>).stream, problem) : '';
    this.events.onError(`${problem}${hint}`);
  };

  private readonly onReady = (): void => {
    this.state = 'probing';
    const epoch = ++this.epoch;
    this.probe().then(
      () => {
        if (this.epoch === epoch) this.open();
      },
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
    const { waiting } = this;
    this.waiting = [];
    for (const { reject } of waiting) reject(new BackendError('a call', 'redis', { why: 'not connected' }));
  };

  private async probe(): Promise<void> {
    const askedAtMs = this.events.monotonicMs();
    const { runId, serverMs } = await probeServer(this.client, this.isOwned);
    if (runId !== undefined) this.meet(runId);
    if (serverMs !== undefined) this.events.onTime(serverMs, askedAtMs);
  }

  private meet(runId: string): void {
    const isOther = this.runId !== undefined && (runId === '' || runId !== this.runId);
    this.runId = runId;
    if (isOther) this.events.onReborn(runId);
  }

  /** After every answer, and when the client has looked at its slots; what was asked before is not answered for. */
  private readonly watchTopology = (): void => {
    if (this.client.isCluster && this.topology.hasNew(this.client as Cluster)) this.events.onReborn();
  };

  private open(): void {
    this.state = 'open';
    this.watchTopology();
    const { waiting } = this;
    this.waiting = [];
    for (const { resolve } of waiting) resolve();
    this.events.onOpen();
  }
}
