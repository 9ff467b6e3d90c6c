/** What happens to servers in a history, and to processes. */
import { pause, until } from '../../support/time.js';
import type { RedisCluster } from '../../support/redis/redis-cluster.js';
import type { RedisProcess } from '../../support/redis/redis-process.js';
import { MASTER_NAME, type RedisSentinels } from '../../support/redis/redis-sentinels.js';
import type { ChildMember } from './child.member.js';
import type { Trouble } from './trouble.js';

/** A role, and whose data it is, are known for two seconds; a busy machine adds to that. */
const ROLE_MS = 2_000;
const BUSY_MS = 1_500;
const HUNG_MS = 2_000;
const DEMOTED_MS = 3_000;

const promote = (server: RedisProcess): Promise<unknown> => server.command('REPLICAOF', 'NO', 'ONE');

async function follow(server: RedisProcess, master: RedisProcess): Promise<void> {
  await server.command('REPLICAOF', '127.0.0.1', master.port);
  await until('it has caught up', async () => String(await server.command('INFO')).includes('master_link_status:up'));
}

/** Nothing else runs in this process meanwhile, nor do its networks. */
export function busy(forMs: number): Trouble {
  return {
    name: 'busy',
    strike: async () => {
      const untilMs = performance.now() + forMs;
      while (performance.now() < untilMs);
    },
  };
}

/** The policy of the server has displaced what it had to: the index, or the state of a tenant as a hash or as a string. */
export function displaced(servers: readonly RedisProcess[], tenants: readonly string[]): Trouble {
  const ends = ['m', 's', 'k', 'x', 't'];
  return {
    name: 'displaced',
    strike: async (random) => {
      const end = ends[Math.floor(random() * ends.length)] as string;
      const tenant = tenants[Math.floor(random() * tenants.length)] as string;
      for (const server of servers) {
        const names = (await server.command('KEYS', `*{t.${tenant}*}:${end}`).catch(() => [])) as string[];
        // A node that keeps none of them, or a replica, says so.
        for (const name of names) await server.command('UNLINK', name).catch(() => undefined);
      }
    },
  };
}

/** The master is made a replica of a closed port, answers what it held, and is promoted again with what it has. */
export function demoted(master: RedisProcess): Trouble {
  return {
    name: 'demoted',
    boundMs: ROLE_MS + BUSY_MS,
    strike: async (random) => {
      await master.command('REPLICAOF', '127.0.0.1', 1);
      await pause(random() * DEMOTED_MS);
      await promote(master);
    },
  };
}

/** The replica is promoted by itself, the master follows it and takes its data, and is master again. */
export function failback(master: RedisProcess, replica: RedisProcess): Trouble {
  return {
    name: 'failback',
    boundMs: ROLE_MS + BUSY_MS,
    strike: async (random) => {
      await promote(replica);
      await pause(random() * 1_000);
      await follow(master, replica);
      await promote(master);
      await follow(replica, master);
    },
  };
}

/** One of the sentinels hangs while connections are killed, so that sentinels are asked. */
export function sentinelHung({ sentinels, master, replica }: RedisSentinels): Trouble {
  return {
    name: 'sentinel hung',
    strike: async (random) => {
      const hung = sentinels[Math.floor(random() * sentinels.length)];
      hung?.halt();
      try {
        for (const server of [master, replica])
          await server.command('CLIENT', 'KILL', 'TYPE', 'normal').catch(() => undefined);
        await pause(random() * HUNG_MS);
      } finally {
        hung?.resume();
      }
    },
  };
}

/** The sentinels are told to make the replica master; the next time it is the other way round. */
export function failover({ sentinels, master, replica }: RedisSentinels): Trouble {
  return {
    name: 'failover',
    boundMs: ROLE_MS + BUSY_MS,
    strike: async () => {
      const before = (await master.role()) === 'master' ? master : replica;
      const after = before === master ? replica : master;
      // Refused while another is under way.
      await sentinels[0]?.command('SENTINEL', 'FAILOVER', MASTER_NAME).catch(() => undefined);
      await until('it is over', async () => (await after.role()) === 'master', 5_000).catch(() => undefined);
      await until(
        'the other follows',
        async () =>
          (await before.role()) === 'slave' && String(await before.command('INFO')).includes('link_status:up'),
        10_000,
      ).catch(() => undefined);
    },
  };
}

/** A replica in a cluster takes over by order, with what its master had. */
export function takeover(cluster: RedisCluster): Trouble {
  return {
    name: 'takeover',
    boundMs: BUSY_MS,
    strike: async (random) => {
      const node = cluster.nodes[Math.floor(random() * cluster.nodes.length)];
      // Refused by masters, and while another change is under way.
      await node?.command('CLUSTER', 'FAILOVER').catch(() => undefined);
    },
  };
}

/** The slot of a tenant travels to another master, key by key, while it is used. */
export function travelling(cluster: RedisCluster, tenants: readonly string[]): Trouble {
  return {
    name: 'travelling',
    strike: async (random) => {
      const tenant = tenants[Math.floor(random() * tenants.length)] as string;
      const masters = (await cluster.facts().catch(() => [])).filter(({ isMaster }) => isMaster);
      const to = masters[Math.floor(random() * masters.length)];
      for (const { port } of masters) {
        const names = (await cluster
          .node(port)
          .command('KEYS', `*{t.${tenant}*}:[ms]`)
          .catch(() => [])) as string[];
        const [name] = names;
        if (name === undefined || to === undefined || to.port === port) continue;
        // Refused where another change is under way; what was begun is ended, or the slot would be on both for ever.
        const slot = await cluster.slotOf(name);
        await cluster.moveSlot(slot, cluster.node(to.port)).catch(() => cluster.settleSlot(slot));
        return;
      }
    },
  };
}

/** A shard owner of a cluster hangs for a while, shorter than its cluster waits before a replica takes over. */
export function shardHung(cluster: RedisCluster): Trouble {
  return {
    name: 'shard hung',
    boundMs: BUSY_MS,
    strike: async (random) => {
      const masters = (await cluster.facts().catch(() => [])).filter(({ isMaster }) => isMaster);
      const facts = masters[Math.floor(random() * masters.length)];
      if (facts === undefined) return;
      const node = cluster.node(facts.port);
      node.halt();
      await pause(random() * 900);
      node.resume();
    },
  };
}

/** A master and its replica are killed; they come back with nothing. */
export function shardDead(cluster: RedisCluster): Trouble {
  return {
    name: 'shard dead',
    boundMs: BUSY_MS,
    strike: async (random) => {
      const facts = await cluster.facts().catch(() => []);
      const masters = facts.filter(({ isMaster }) => isMaster);
      const dead = masters[Math.floor(random() * masters.length)];
      const nodes = facts
        .filter(({ id, masterId }) => dead !== undefined && (id === dead.id || masterId === dead.id))
        .map(({ port }) => cluster.node(port));
      await Promise.all(nodes.map((node) => node.kill()));
      await pause(500 + random() * 2_500);
      await Promise.all(nodes.map((node) => node.begin()));
      await cluster.settled().catch(() => undefined);
    },
  };
}

/** A process is told to end (SIGTERM), and followed by another. */
export function rolling(members: readonly ChildMember[]): Trouble {
  return {
    name: 'rolling',
    strike: (random) => members[Math.floor(random() * members.length)]?.roll() ?? Promise.resolve(),
  };
}
