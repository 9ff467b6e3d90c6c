/**
 * What is asked of a server over one client, ours or adopted, once it may be: see ConnectionGate.
 *
 * An answer that cannot belong to its question means that answers have shifted: the connection is dropped (invariant 2),
 * and the call fails.
 */
import type { Cluster, Redis } from 'ioredis';
import { ENVELOPE_MARK_BYTES } from '../../../core/codec.js';
import { BackendError } from '../../../core/errors.js';
import { RandomPool } from '../../../core/random-pool.js';
import { anyMaster, masterNamed } from './cluster-nodes.js';
import { sendCommand, type Client } from './send-command.js';
import { saysWord } from './errors.js';
import { ConnectionGate, type ConnectionEvents } from './gate.js';
import { keysLike } from './keyspace.js';
import { factsOf, fieldTexts, isListOf, text } from './reply.js';
import type { ServerIdentity } from './server-probe.js';
import type { Script } from '../scripts/script.js';
import { redacted } from './redacted-bytes.js';
import { TurnWrites } from './turn-writes.js';

export type Argument = string | Buffer | number;

/** A field that every meta hash has, and one that none has. */
const SET = 'i';
const UNSET = '_';
const BITS = 2;
/**
 * Fields asked for beside those of a request, which come back as the number of it. Answers of one shape can take each
 * other's place (a middlebox that mixes them up, a client that lost one), and reads of one key all are of one shape.
 */
const ECHOES: readonly (readonly string[])[] = Object.freeze(
  Array.from({ length: 2 ** BITS }, (_, number) =>
    Object.freeze(Array.from({ length: BITS }, (_, bit) => ((number >> bit) & 1 ? SET : UNSET))),
  ),
);

export class RedisConnection {
  private readonly gate: ConnectionGate;
  private readonly names = new RandomPool();
  private readonly turnWrites = new TurnWrites();
  private isVerifying = false;
  /** The number of the last request that is told apart by `ECHOES`. */
  private asked = 0;

  constructor(
    private readonly client: Client,
    private readonly isOwned: boolean,
    private readonly events: ConnectionEvents,
  ) {
    this.gate = new ConnectionGate(client, isOwned, events);
  }

  get isUp(): boolean {
    return this.gate.isUp;
  }

  /** Resolves when calls pass, rejects when there is no server. */
  ready(): Promise<void> {
    return this.gate.ready();
  }

  /** Runs a script by its digest; a server that does not know it yet is told. */
  async run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const echo = this.names.name();
    const shown = args.map((arg) => (typeof arg === 'object' ? redacted(arg) : arg));
    const rest = [keys.length, ...keys, echo, ...shown];
    const reply = await this.gate.send(async (client) => {
      const [about = ''] = keys;
      this.turnWrites.gather(client, about);
      try {
        return await sendCommand(client, 'EVALSHA', script.sha, ...rest);
      } catch (error) {
        if (!saysWord(error, 'NOSCRIPT')) throw error;
        this.turnWrites.gather(client, about);
        return sendCommand(client, 'EVAL', script.source, ...rest);
      }
    });
    if (!Array.isArray(reply) || reply.length !== 2 || text(reply[0]) !== echo) throw this.outOfStep();
    return reply[1];
  }

  /**
   * The values of keys of one slot, and behind them that of one more, which is asked for as often as says the number of the
   * question. One command. `done` and `failed` must not throw.
   */
  values(
    keys: readonly string[],
    last: string,
    done: (values: readonly (Buffer | null)[], last: Buffer | null) => void,
    failed: (error: unknown) => void,
  ): void {
    const all = [...keys, last];
    for (let more = this.asked++ % ECHOES.length; more > 0; more--) all.push(last);
    // It answers nothing, not an error, for a key of another type.
    const ask = (client: Client): Promise<unknown> => client.mgetBuffer(all);
    const answered = (values: unknown): void => {
      if (isListOf(values, all.length)) done(values, values[keys.length] as Buffer | null);
      else failed(this.outOfStep());
    };
    this.gate.tell(ask, answered, failed);
  }

  /** Marks of entries, small whatever they weigh, with fields of a hash of the same slot beside them: one write. */
  async marksWithFields(
    keys: readonly string[],
    hash: string,
    fields: readonly string[],
  ): Promise<[readonly string[], readonly (string | null)[]]> {
    const echo = this.nextEcho();
    const [found, ...marks] = await this.sendTogether((client) => {
      const asked = keys.map((key) => client.getrangeBuffer(key, 0, ENVELOPE_MARK_BYTES - 1));
      return Promise.all([client.hmgetBuffer(hash, ...fields, ...echo), ...asked]);
    });
    return [marks.map(text), this.fieldsOf(found, fields, echo)];
  }

  /** Fields of a meta hash; the first is the generation. */
  async fields(hash: string, fields: readonly string[]): Promise<readonly (string | null)[]> {
    const echo = this.nextEcho();
    const found = await this.gate.send((client) => client.hmgetBuffer(hash, ...fields, ...echo));
    return this.fieldsOf(found, fields, echo);
  }

  async command(name: string, ...args: Argument[]): Promise<unknown> {
    return this.gate.send((client) => sendCommand(client, name, ...args));
  }

  /** To all that listen to a channel, by way of any master of a cluster that is connected. */
  async publish(channel: string, message: string): Promise<unknown> {
    return this.gate.send((client) => sendCommand(serverOf(client), 'PUBLISH', channel, message));
  }

  /**
   * Asks for an answer that only this question can have, a cluster any master that is connected.
   * @param master of a cluster
   * @throws when another comes
   */
  async ping(master?: string): Promise<void> {
    const echo = this.names.name();
    const reply = await this.gate.send((client) => sendCommand(serverOf(client, master), 'PING', echo));
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
  keepTo(identity: ServerIdentity | undefined): void {
    this.gate.keepTo(identity);
  }

  /**
   * The facts of one node: `INFO` as a map.
   * @param master of a cluster, as in `ping`
   */
  async facts(master?: string): Promise<ReadonlyMap<string, string>> {
    return factsOf(await this.gate.send((client) => (serverOf(client, master) as Redis).info()));
  }

  /** How many keys one node has. */
  async size(master?: string): Promise<number> {
    return Number(await this.gate.send((client) => sendCommand(serverOf(client, master), 'DBSIZE')));
  }

  /** Every key that matches, on every master or on one of a cluster. The pattern is never a user's. */
  scanKeys(pattern: string, master?: string): AsyncGenerator<string> {
    return keysLike(pattern, this.client, (work) => this.gate.send(work), master);
  }

  /** Resolves when nothing of it is left that would keep a process from ending. */
  async close(): Promise<void> {
    const { client } = this;
    this.gate.close();
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
    return this.gate.send((client) => {
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

  private nextEcho(): readonly string[] {
    return ECHOES[this.asked++ % ECHOES.length] as readonly string[];
  }

  /** A shard without a life has nothing to tell by, and nothing in it is valid. */
  private fieldsOf(found: unknown, fields: readonly string[], echo: readonly string[]): readonly (string | null)[] {
    const texts = fieldTexts(found, fields.length, BITS);
    if (texts === undefined) throw this.outOfStep();
    if (texts[0] === null) return texts;
    const all = found as readonly unknown[];
    for (let bit = 0; bit < BITS; bit++)
      if ((all[fields.length + bit] !== null) !== (echo[bit] === SET)) throw this.outOfStep();
    return texts;
  }

  private outOfStep(): BackendError {
    this.events.onWarning('answers came in the wrong order; the connection was dropped');
    this.gate.connectAnew();
    return new BackendError('a call', 'redis', { why: 'out of step' });
  }
}

/** Whom a question without a key is asked. ioredis would draw lots, and may draw a master that is dead. */
function serverOf(client: Client, master?: string): Client {
  if (!client.isCluster) return client;
  const cluster = client as Cluster;
  return (master === undefined ? anyMaster(cluster) : masterNamed(cluster, master)) ?? client;
}
