/**
 * The connection. Owns its clients, or adopts one and leaves it as it was. What ioredis does by default to be helpful
 * (queueing while offline, retrying for a minute, resending what may already have run) is switched off on clients of
 * our own: a cache answers now or not at all, and every script is safe to meet twice anyway.
 */
import { Cluster, Redis, type ClusterNode, type RedisOptions as ClientOptions } from 'ioredis';
import type { ResolvedRedisOptions } from './redis.options.js';
import type { Script } from './redis.scripts.js';

export type Argument = string | Buffer | number;
export type Client = Redis | Cluster;

const LONGEST_RETRY_MS = 1_000;

export class RedisLink {
  private readonly clients: readonly Client[];
  private readonly isOwned: boolean;
  /** Called when a server with another identity answers: restarted, or another one in its place. */
  onReborn: (() => void) | undefined;
  private turn = 0;
  private runId: string | undefined;

  constructor(
    options: ResolvedRedisOptions,
    /** Told about connection errors; a client without a listener would print them. */
    private readonly onError: (error: Error) => void,
  ) {
    const { client } = options.source;
    this.isOwned = client === undefined;
    this.clients = client === undefined ? openClients(options) : [client];
    for (const each of this.clients) {
      each.on('error', this.onError);
      each.on('ready', this.onReady);
      if (each instanceof Cluster) each.on('+node', this.onNode);
    }
  }

  /** Runs a script by its digest; a server that does not know it yet is told. */
  async run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const client = this.pick();
    try {
      return await client.callBuffer('EVALSHA', script.sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return client.callBuffer('EVAL', script.source, keys.length, ...keys, ...args);
    }
  }

  /** The values of keys of one slot, with fields of a hash of the same slot beside them: two commands, one write. */
  async readWithFields(
    keys: readonly string[],
    hash: string,
    fields: readonly string[],
  ): Promise<[readonly (Buffer | null)[], readonly (string | null)[]]> {
    const client = this.pick();
    // MGET even for one: it answers nothing, not an error, for a key of another type.
    return Promise.all([client.mgetBuffer([...keys]), client.hmget(hash, ...fields)]);
  }

  async command(name: string, ...args: Argument[]): Promise<unknown> {
    return this.pick().callBuffer(name, ...args);
  }

  fields(hash: string, fields: readonly string[]): Promise<(string | null)[]> {
    return this.pick().hmget(hash, ...fields);
  }

  /** The facts of one node: `INFO` as a map. */
  async facts(): Promise<ReadonlyMap<string, string>> {
    const text = await this.pick().info();
    return new Map(
      text
        .split('\r\n')
        .filter((line) => line.includes(':'))
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const),
    );
  }

  /** Every key that matches, on every master. The pattern is never a user's. */
  async *scanKeys(pattern: string): AsyncGenerator<string> {
    const client = this.pick();
    const nodes = client instanceof Cluster ? client.nodes('master') : [client];
    for (const node of nodes) {
      let cursor = '0';
      do {
        const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000);
        yield* keys;
        cursor = next;
      } while (cursor !== '0');
    }
  }

  async ping(): Promise<void> {
    await this.pick().ping();
  }

  /** The server's clock in milliseconds. */
  async time(): Promise<number> {
    const [seconds, micros] = await this.pick().time();
    return Number(seconds) * 1_000 + Number(micros) / 1_000;
  }

  close(): void {
    for (const client of this.clients) {
      client.off('error', this.onError);
      client.off('ready', this.onReady);
      client.off('+node', this.onNode);
      if (!this.isOwned) continue;
      // Late errors of a connection that is being dropped interest nobody.
      client.on('error', () => undefined);
      client.disconnect();
    }
  }

  private readonly onReady = (): void => {
    this.facts().then(
      (facts) => {
        const runId = facts.get('run_id');
        const isOther = this.runId !== undefined && runId !== this.runId;
        this.runId = runId;
        if (isOther) this.onReborn?.();
      },
      // A connection that is gone again will be ready again.
      () => undefined,
    );
  };

  private readonly onNode = (): void => {
    // A cluster says this for the nodes it begins with, too; repeating invalidations is harmless.
    this.onReborn?.();
  };

  private pick(): Client {
    this.turn = (this.turn + 1) % this.clients.length;
    return this.clients[this.turn] as Client;
  }
}

function openClients(options: ResolvedRedisOptions): Client[] {
  const { source, url, maxConnections, connectTimeoutMs } = options;
  const settings: ClientOptions = {
    ...source.clientOptions,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: connectTimeoutMs,
    // A failed-over master answers READONLY: drop the connection and look again, but never resend.
    reconnectOnError: (error) => (error.message.includes('READONLY') ? 1 : false),
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), LONGEST_RETRY_MS),
  };
  if (source.cluster !== undefined) return [openCluster(source.cluster, settings, source)];
  return Array.from({ length: maxConnections }, () => openServer(source, url, settings));
}

function openServer(source: ResolvedRedisOptions['source'], url: string | undefined, settings: ClientOptions): Redis {
  const { host, port, db, username, password, tls, sentinels, name } = source;
  const said = Object.fromEntries(
    Object.entries({ host, port, db, username, password, tls, sentinels, name }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  return url === undefined ? new Redis({ ...settings, ...said }) : new Redis(url, { ...settings, ...said });
}

function openCluster(
  nodes: readonly ClusterNode[],
  settings: ClientOptions,
  { username, password, tls, clusterOptions }: ResolvedRedisOptions['source'],
): Cluster {
  const said = Object.fromEntries(
    Object.entries({ username, password, tls }).filter(([, value]) => value !== undefined),
  );
  return new Cluster([...nodes], {
    ...clusterOptions,
    scaleReads: 'master',
    enableOfflineQueue: false,
    redisOptions: { ...clusterOptions?.redisOptions, ...settings, ...said },
  });
}
