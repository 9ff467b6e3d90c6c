/** What the processes of a history stand on: servers, how each reaches them, and what happens to both. */
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { RedisOptions } from '../../../lib/backends/redis/options.js';
import { redis as redisBackend } from '../../../lib/backends/redis/redis.backend.js';
import { tiered } from '../../../lib/backends/tiered/tiered.backend.js';
import type { BackendFactory } from '../../../lib/core/backend.js';
import { TcpProxy } from '../../support/proxy/tcp-proxy.js';
import { RedisCluster } from '../../support/redis/redis-cluster.js';
import { randomPrefix, RedisProcess } from '../../support/redis/redis-process.js';
import { MASTER_NAME, RedisSentinels } from '../../support/redis/redis-sentinels.js';
import { ChildMember, type ChildOptions } from './child.member.js';
import { MachineMember } from './machine.member.js';
import type { MakeMember } from './member.js';
import { troublesOf } from './networks.js';
import * as servers from './servers.js';
import type { Row } from './trouble.js';
import { SPOTS } from './world.js';

export type GroundName = 'standalone' | 'sentinel' | 'cluster' | 'tiered';
export const GROUNDS: readonly GroundName[] = ['standalone', 'sentinel', 'cluster', 'tiered'];

export interface GroundOptions {
  readonly processes: number;
  /** Applications in processes of their own, beside them. */
  readonly children: number;
  /** For every cache: deadlines, say. */
  readonly redis: RedisOptions;
  readonly busyMs: number;
}

export interface Ground {
  readonly members: readonly MakeMember[];
  readonly rows: readonly Row[];
  /** How long a read may miss an invalidation even when nothing goes wrong. */
  readonly boundMs: number;
  /** Processes that were told to end and did not. */
  stuck(): number;
  stop(): Promise<void>;
}

const TENANTS = [...new Set(SPOTS.map(({ tenant }) => tenant))];
const FAST = { 'repl-ping-replica-period': 1, 'repl-diskless-sync-delay': 0 } as const;
/** Copies are believed so long without a check; a round trip and a busy machine add to it. */
const X_MS = 100;
const ROUND_TRIP_MS = 100;

type Make = (options: GroundOptions) => Promise<Ground>;

/** Of members that all reach one address, or one of their own each. */
function membersOn(
  { processes, children, redis }: GroundOptions,
  reach: (process: number) => RedisOptions,
  isTiered = false,
): { readonly members: readonly MakeMember[]; readonly rolled: readonly ChildMember[] } {
  const prefix = randomPrefix();
  const more = isTiered ? { maxUnvalidated: X_MS } : {};
  const backendOf = (at: number): BackendFactory => {
    const l2 = redisBackend({ ...redis, ...reach(at) });
    const factory = isTiered ? tiered({ l1: memory(), l2, ...more }) : l2;
    return { kind: factory.kind, create: (parts) => factory.create({ ...parts, prefix }) };
  };
  const rolled: ChildMember[] = [];
  const childOf = (at: number): MakeMember => {
    const options: ChildOptions = { prefix, isTiered, redis: { ...redis, ...more, ...reach(at) } };
    return ChildMember.on(options, (member) => rolled.push(member));
  };
  const all = Array.from({ length: processes + children }, (_, at) =>
    at < processes ? MachineMember.on(backendOf(at)) : childOf(at),
  );
  return { members: all, rolled };
}

/** Each process is behind a network of its own. */
async function behindNetworks(port: number, { processes, children }: GroundOptions) {
  const proxies = await Promise.all(Array.from({ length: processes + children }, () => TcpProxy.before(port)));
  return {
    reach: (at: number): RedisOptions => ({ url: (proxies[at] as TcpProxy).url }),
    rows: proxies.map((proxy, process) => ({ process, troubles: troublesOf(proxy) })),
    stop: () => Promise.all(proxies.map((proxy) => proxy.close())),
  };
}

const single =
  (isTiered: boolean): Make =>
  async (options) => {
    const master = await RedisProcess.start({ config: FAST });
    const replica = await RedisProcess.start({ config: { ...FAST, replicaof: `127.0.0.1 ${master.port}` } });
    const networks = await behindNetworks(master.port, options);
    const { members, rolled } = membersOn(options, networks.reach, isTiered);
    const onServers = [
      servers.displaced([master], TENANTS),
      servers.demoted(master),
      servers.failback(master, replica),
      servers.busy(options.busyMs),
    ];
    return {
      members,
      rows: [
        ...networks.rows,
        { process: -1, troubles: onServers },
        { process: -1, troubles: [servers.rolling(rolled)] },
      ],
      boundMs: isTiered ? X_MS + ROUND_TRIP_MS : 0,
      stuck: () => rolled.reduce((sum, { stuck }) => sum + stuck, 0),
      stop: async () => {
        await networks.stop();
        await Promise.all([master.stop(), replica.stop()]);
      },
    };
  };

const sentinel: Make = async (options) => {
  const group = await RedisSentinels.start();
  const { members, rolled } = membersOn(options, () => ({ sentinels: group.addresses, name: MASTER_NAME }));
  const onServers = [
    servers.sentinelHung(group),
    servers.failover(group),
    servers.displaced([group.master, group.replica], TENANTS),
    servers.busy(options.busyMs),
  ];
  return {
    members,
    rows: [
      { process: -1, troubles: onServers },
      { process: -1, troubles: [servers.rolling(rolled)] },
    ],
    boundMs: 0,
    stuck: () => rolled.reduce((sum, { stuck }) => sum + stuck, 0),
    stop: () => group.stop(),
  };
};

const cluster: Make = async (options) => {
  const nodes = await RedisCluster.start({ 'cluster-require-full-coverage': 'no' });
  const { members, rolled } = membersOn(options, () => ({ cluster: nodes.startNodes, shards: 2 }));
  const onServers = [
    servers.takeover(nodes),
    servers.travelling(nodes, TENANTS),
    servers.shardHung(nodes),
    servers.shardDead(nodes),
    servers.displaced(nodes.nodes, TENANTS),
    servers.busy(options.busyMs),
  ];
  return {
    members,
    rows: [
      { process: -1, troubles: onServers },
      { process: -1, troubles: [servers.rolling(rolled)] },
    ],
    boundMs: 0,
    stuck: () => rolled.reduce((sum, { stuck }) => sum + stuck, 0),
    stop: () => nodes.stop(),
  };
};

const MAKES: Readonly<Record<GroundName, Make>> = {
  standalone: single(false),
  tiered: single(true),
  sentinel,
  cluster,
};

export function groundOf(name: GroundName, options: GroundOptions): Promise<Ground> {
  return MAKES[name](options);
}
