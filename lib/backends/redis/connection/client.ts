/**
 * Clients of our own. What ioredis does by default to be helpful (queueing while offline, retrying for a minute,
 * resending what may already have run) is switched off: a cache answers now or not at all, and every script is safe to
 * meet twice anyway.
 */
import { Cluster, Redis, type ClusterNode, type RedisOptions as ClientOptions } from 'ioredis';
import { createRequire } from 'node:module';
import { hasFakeTimers } from '../../../core/clock.js';
import type { Client } from './send-command.js';
import { connectorFor } from './connector.js';
import { watchSilence } from './silence-watch.js';
import type { ResolvedRedisOptions } from '../options.js';

const LONGEST_RETRY_MS = 1_000;
/** A cluster's view of itself is renewed that often, so that a failover that no call has met is noticed as well. */
const SLOTS_REFRESH_MS = 5_000;
/** A server that hangs does not keep a process from ending. */
const DISCONNECT_MS = 200;
const OPTIONS_OF_A_SERVER = ['host', 'port', 'db', 'username', 'password', 'tls', 'sentinels', 'name'] as const;

/**
 * An application whose tracer hooks into `require` sees our clients as well, although ES modules load ioredis past it:
 * `require` loads our entry point as one. The hook is shown the same module here, before the first client is made.
 * Where there is nothing to require, as in a bundle, there is nothing to hook into either.
 */
function showToHooks(): void {
  try {
    createRequire(import.meta.url)('ioredis');
  } catch {
    // The clients below are made of what was imported.
  }
}

/** @param random uniform in [0, 1) */
export function openClients(options: ResolvedRedisOptions, random: () => number): Client[] {
  showToHooks();
  const { source, url, maxConnections, connectTimeoutMs, silenceMs } = options;
  const ours: ClientOptions = {
    Connector: connectorFor({ Connector: undefined, sentinels: undefined, ...source.clientOptions, ...source }),
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    lazyConnect: false,
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: DISCONNECT_MS,
    // Of a caller that asks for it; else see silence-watch.ts.
    socketTimeout: saysSocketTimeout(source) ? silenceMs : undefined,
    // A failed-over master answers READONLY: drop the connection and look again, but never resend.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
    // Spread out, so that a server that comes back is not met by all processes at once.
    // The timer of ioredis may be one that a test holds back: then it ends, and is connected anew
    // (redis/connection/reconnect.ts).
    retryStrategy: (times) =>
      hasFakeTimers() ? null : Math.min(50 * 2 ** Math.min(times, 5), LONGEST_RETRY_MS) * (0.5 + random() / 2),
  };
  // Without client info: a server that is strict about rights would refuse it.
  const settings: ClientOptions = { disableClientInfo: true, ...source.clientOptions, ...ours };
  const address = url === undefined ? undefined : withoutOptions(url, Object.keys(ours));
  const clients =
    source.cluster === undefined
      ? Array.from({ length: maxConnections }, () => openServer(source, address, settings))
      : [openCluster(source.cluster, settings, options)];
  if (ours.socketTimeout === undefined) for (const client of clients) watchSilence(client, silenceMs);
  return clients;
}

function saysSocketTimeout({ clientOptions, clusterOptions }: ResolvedRedisOptions['source']): boolean {
  return (clientOptions?.socketTimeout ?? clusterOptions?.redisOptions?.socketTimeout) !== undefined;
}

function openServer(source: ResolvedRedisOptions['source'], url: string | undefined, settings: ClientOptions): Redis {
  const said = Object.fromEntries(
    OPTIONS_OF_A_SERVER.flatMap((name) => (source[name] === undefined ? [] : [[name, source[name]]])),
  ) as ClientOptions;
  const all: ClientOptions = { ...settings, ...said };
  if (source.sentinels !== undefined) {
    all.failoverDetector = true;
    all.sentinelRetryStrategy = settings.retryStrategy as (times: number) => number;
  }
  return url === undefined ? new Redis(all) : new Redis(url, all);
}

/** What a URL says behind its `?` ioredis would put before everything else. */
function withoutOptions(url: string, names: readonly string[]): string {
  if (!url.includes('?')) return url;
  const address = new URL(url);
  for (const name of names) address.searchParams.delete(name);
  return address.href;
}

function openCluster(
  nodes: readonly ClusterNode[],
  settings: ClientOptions,
  { source }: ResolvedRedisOptions,
): Cluster {
  const { username, password, tls, clusterOptions } = source;
  const said = Object.fromEntries(
    Object.entries({ username, password, tls }).filter(([, value]) => value !== undefined),
  );
  const retry = settings.retryStrategy as (times: number) => number;
  return new Cluster([...nodes], {
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    ...clusterOptions,
    scaleReads: 'master',
    // Without it a command for a node that is still being connected to is refused, and so is ioredis's own first
    // question. Nothing waits there for long: calls have their deadline, and none is sent to a cluster that is gone.
    enableOfflineQueue: true,
    enableAutoPipelining: false,
    lazyConnect: false,
    clusterRetryStrategy: retry,
    redisOptions: { ...clusterOptions?.redisOptions, ...settings, ...said },
  });
}
