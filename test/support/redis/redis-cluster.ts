/** Three masters on the loopback, with a replica each or none. Comes up in about two seconds, in which a new node waits. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ADMIN_TURN_MS, RedisProcess, until } from './redis-process.js';

export interface ClusterNodeFacts {
  readonly id: string;
  readonly port: number;
  readonly isMaster: boolean;
  readonly masterId: string;
  readonly slots: string;
}

/** Its bus listens this far above a node's own port. */
const BUS_OFFSET = 10_000;
const FIRST_PORT = 10_500;
/** Fewer than the offset, so that no bus is taken for a node. */
const PORTS = 9_900;
const MASTERS = 3;
const SLOTS = 16_384;

export class RedisCluster {
  private constructor(
    readonly nodes: readonly RedisProcess[],
    private readonly replicas: number,
  ) {}

  /** @param replicas of each master */
  static async start(config: Readonly<Record<string, string | number>> = {}, replicas = 1): Promise<RedisCluster> {
    const nodes = await Promise.all(
      Array.from({ length: MASTERS * (1 + replicas) }, async () =>
        RedisProcess.start({
          port: await clusterPort(),
          config: {
            'cluster-enabled': 'yes',
            'cluster-config-file': 'nodes.conf',
            'cluster-node-timeout': 1_000,
            'repl-ping-replica-period': 1,
            'repl-diskless-sync-delay': 0,
            ...config,
          },
        }),
      ),
    );
    const cluster = new RedisCluster(nodes, replicas);
    await cluster.join();
    await cluster.settled();
    return cluster;
  }

  /** What `redis-cli --cluster create` does, without the seconds that it pauses in between. */
  private async join(): Promise<void> {
    const masters = this.nodes.slice(0, MASTERS);
    await Promise.all(
      this.nodes.map(async (node, at) => {
        await node.command('CLUSTER', 'SET-CONFIG-EPOCH', at + 1);
        if (at >= MASTERS) return;
        const [first, next] = [at, at + 1].map((each) => Math.floor((each * SLOTS) / MASTERS));
        await node.command('CLUSTER', 'ADDSLOTSRANGE', first as number, (next as number) - 1);
      }),
    );
    for (const [at, node] of this.nodes.entries())
      for (const other of this.nodes.slice(0, at)) await node.command('CLUSTER', 'MEET', '127.0.0.1', other.port);
    const ids = await Promise.all(masters.map(async (node) => String(await node.command('CLUSTER', 'MYID'))));
    await Promise.all(
      this.nodes.slice(MASTERS).map((node, at) => {
        const follow = (): Promise<boolean> =>
          node.command('CLUSTER', 'REPLICATE', ids[at % MASTERS] as string).then(Boolean, () => false);
        return until('it knows its master', follow, 20_000, ADMIN_TURN_MS);
      }),
    );
  }

  /** Where to begin. */
  get startNodes(): { readonly host: string; readonly port: number }[] {
    return this.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  node(port: number): RedisProcess {
    const node = this.nodes.find((each) => each.port === port);
    if (node === undefined) throw new Error(`no node on port ${port}`);
    return node;
  }

  async facts(from: RedisProcess = this.nodes[0] as RedisProcess): Promise<readonly ClusterNodeFacts[]> {
    const text = String(await from.command('CLUSTER', 'NODES'));
    return text
      .trim()
      .split('\n')
      .map((line) => {
        const [id = '', address = '', flags = '', masterId = '', , , , ...slots] = line.split(' ');
        const port = Number(/:(\d+)@/.exec(address)?.[1]);
        const isMaster = flags.includes('master') && !flags.includes('fail');
        return { id, port, isMaster, masterId, slots: slots.join(' ') };
      });
  }

  /** The master that keeps a slot now, and a replica of it. */
  async keeperOf(slot: number, from?: RedisProcess): Promise<{ master: RedisProcess; replica: RedisProcess }> {
    const facts = await this.facts(from);
    const master = await this.masterOf(slot, facts);
    const replica = facts.find(({ masterId }) => masterId === master.id);
    if (replica === undefined) throw new Error(`no node keeps slot ${slot}`);
    return { master: this.node(master.port), replica: this.node(replica.port) };
  }

  /** The master that keeps a slot. */
  async masterOf(slot: number, facts?: readonly ClusterNodeFacts[]): Promise<ClusterNodeFacts> {
    const isIn = ({ slots }: ClusterNodeFacts): boolean =>
      slots.split(' ').some((range) => {
        const [first = NaN, last = first] = range.split('-').map(Number);
        return slot >= first && slot <= last;
      });
    const master = (facts ?? (await this.facts())).find((each) => each.isMaster && isIn(each));
    if (master === undefined) throw new Error(`no master keeps slot ${slot}`);
    return master;
  }

  async slotOf(key: string): Promise<number> {
    return Number(await (this.nodes[0] as RedisProcess).command('CLUSTER', 'KEYSLOT', key));
  }

  /** Gives a slot, and what is in it, to a master while it is used. */
  async moveSlot(slot: number, to: RedisProcess): Promise<void> {
    const from = this.node((await this.masterOf(slot)).port);
    if (from === to) return;
    const facts = await this.facts();
    const [fromId, toId] = [from, to].map(({ port }) => facts.find((each) => each.port === port)?.id ?? '');
    await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId as string);
    await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId as string);
    for (;;) {
      const keys = (await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
      if (keys.length === 0) break;
      await from.command('MIGRATE', '127.0.0.1', to.port, '', 0, 5_000, 'KEYS', ...keys);
    }
    for (const node of [to, from]) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', toId as string);
  }

  /** Ends a move of a slot that was begun, where it is. */
  async settleSlot(slot: number): Promise<void> {
    for (const node of this.nodes) await node.command('CLUSTER', 'SETSLOT', slot, 'STABLE').catch(() => undefined);
  }

  /** Every node sees every slot kept. */
  async settled(): Promise<void> {
    for (const node of this.nodes) {
      await until(
        'the cluster is settled',
        async () => {
          const info = String(await node.command('CLUSTER', 'INFO'));
          return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${this.nodes.length}`);
        },
        20_000,
        ADMIN_TURN_MS,
      );
    }
    await until(
      'every master has its replica',
      async () => {
        const facts = await this.facts();
        return facts.filter(({ masterId }) => masterId !== '-').length === MASTERS * this.replicas;
      },
      20_000,
      ADMIN_TURN_MS,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

export async function cli(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('redis-cli', args, { timeout: 60_000 });
  return stdout;
}

/** A server in cluster mode that keeps all slots by itself, so that a plain client can use it, until some are taken away. */
export async function clusterOfOne(): Promise<RedisProcess> {
  const config = {
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-require-full-coverage': 'no',
  };
  const node = await RedisProcess.start({ port: await clusterPort(), config });
  await node.command('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
  await until('all slots are kept', async () => String(await node.command('CLUSTER', 'INFO')).includes('state:ok'));
  return node;
}

/**
 * For a node and its bus, both below the ports that systems hand out by themselves: from among those another process, or a
 * connection, would sooner or later have the one that is ten thousand above.
 */
async function clusterPort(): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if ((await isFree(port)) && (await isFree(port + BUS_OFFSET))) return port;
  }
  throw new Error('no port for a cluster node');
}

async function isFree(port: number): Promise<boolean> {
  const { createServer } = await import('node:net');
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
