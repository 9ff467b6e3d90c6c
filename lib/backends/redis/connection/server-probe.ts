import type { Cluster, Redis } from 'ioredis';
import { anyMaster } from './cluster-nodes.js';
import { factsOf } from './reply.js';
import { lackBehind, LACKS, oddityOf } from './server-facts.js';

/** What a single server is among those that keep the same data. */
export type Role = 'master' | 'replica';

/** Whose data a single server holds. What it does not say is ''. */
export interface ServerIdentity {
  /** Another one after every start of the process. */
  readonly runId: string;
  /** Another one after every turn as a replica, in which the same process may have taken the data of another server. */
  readonly replid: string;
}

interface Who {
  /** Undefined for a cluster, which is known by its masters. */
  readonly identity: ServerIdentity | undefined;
  /** Undefined for a cluster, and where it may not be asked. */
  readonly role: Role | undefined;
  /** What an operator had better know of it. */
  readonly oddities: readonly string[];
}

export interface ServerAnswer extends Who {
  /** What the server's clock shows, where it may be asked. */
  readonly serverMs: number | undefined;
}

const OF_A_CLUSTER: Who = Object.freeze({ identity: undefined, role: undefined, oddities: [] });
/** Where it may not be asked, every connection may lead to another server. */
const NAMELESS: ServerIdentity = Object.freeze({ runId: '', replid: '' });

/**
 * Asks for the identity of the server and for the time. ioredis goes on in database 0 when the server refuses the one
 * it was told to use: a client of ours asks once more, and goes no further without it.
 * @throws what the server says instead
 */
export async function probeServer(client: Redis | Cluster, isOwned: boolean): Promise<ServerAnswer> {
  const { db = 0 } = client.options as { readonly db?: number };
  const isElsewhere = isOwned && !client.isCluster && db !== 0;
  // Of a cluster one that is connected: lots may fall on a master that is dead, and calls would wait for it.
  const clock = client.isCluster ? anyMaster(client as Cluster) : client;
  const [who, time, place] = await Promise.allSettled([
    whoAnswers(client),
    clock?.time(),
    isElsewhere ? (client as Redis).select(db) : undefined,
  ]);
  if (place.status === 'rejected') throw place.reason;
  if (who.status === 'rejected') throw who.reason;
  const said = time.status === 'fulfilled' ? time.value : undefined;
  const [seconds = NaN, micros = NaN] = said?.map(Number) ?? [];
  return { ...who.value, serverMs: said === undefined ? undefined : seconds * 1_000 + micros / 1_000 };
}

async function whoAnswers(client: Redis | Cluster): Promise<Who> {
  if (client.isCluster) return OF_A_CLUSTER;
  try {
    const facts = factsOf(await (client as Redis).info());
    const role = roleOf(facts);
    const oddities = [oddityOf(facts), role === undefined ? LACKS.role : undefined].filter((one) => one !== undefined);
    return { identity: { runId: facts.get('run_id') ?? '', replid: replidOf(facts) }, role, oddities };
  } catch (error) {
    const lack = lackBehind(error);
    if (lack === undefined) throw error;
    return { identity: NAMELESS, role: undefined, oddities: [lack] };
  }
}

/** The name of the history that a server's data has, as it stands in `INFO`; '': it does not say. */
export function replidOf(facts: ReadonlyMap<string, string>): string {
  return facts.get('master_replid') ?? '';
}

/** What a server says of itself in `INFO`; undefined: nothing. */
export function roleOf(facts: ReadonlyMap<string, string>): Role | undefined {
  const role = facts.get('role');
  if (role === undefined) return undefined;
  return role === 'slave' || role === 'replica' ? 'replica' : 'master';
}
