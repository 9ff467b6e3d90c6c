import type { BackendInfo } from '../../core/backend.js';
import type { RedisConnection } from './connection/connection.js';
import { serverNameOf } from './connection/server-facts.js';

/** Facts about the server for operators, beside what it calls itself. */
const DETAILS: readonly string[] = Object.freeze([
  'redis_version',
  'valkey_version',
  'dragonfly_version',
  'role',
  'maxmemory_policy',
  'redis_mode',
]);

/**
 * What one node says of itself and of everything that is on it.
 * @param master of a cluster; otherwise any server that answers
 */
export async function infoOf(connection: RedisConnection, master?: string): Promise<BackendInfo> {
  const [facts, entries] = await Promise.all([connection.facts(master), connection.size(master)]);
  const server = serverNameOf(facts);
  const said = DETAILS.flatMap((name) => (facts.has(name) ? [[name, facts.get(name) ?? ''] as const] : []));
  const maxBytes = Number(facts.get('maxmemory') ?? 0);
  return {
    kind: 'redis',
    entries,
    usedBytes: Number(facts.get('used_memory') ?? 0),
    maxBytes: maxBytes === 0 ? undefined : maxBytes,
    details: Object.fromEntries(server === undefined ? said : [['server', server], ...said]),
  };
}
