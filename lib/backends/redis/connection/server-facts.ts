/**
 * What a server says of itself, and what to make of it. Forks say the version of the Redis that they resemble, and their own
 * beside it. A server may say one thing today and another one tomorrow: nothing is refused for it, what is unexpected is
 * said once, by name.
 */
import { saysWord } from './errors.js';

type Facts = ReadonlyMap<string, string>;

/** The first Redis that all of this was run on. */
const OLDEST = 7;
/** What of a server's words is repeated. */
const WORD = /^[\w.+-]{1,40}$/;

const UNASKED =
  'that its master is demoted goes unnoticed, old values are served then, and the last invalidations are sent again after every reconnect';

/** What is said of a server that could not be asked what it is. */
export const LACKS = Object.freeze({
  right: `the user has no right to INFO: ${UNASKED}; grant it with ACL SETUSER … +info`,
  command: `the server knows no INFO: ${UNASKED}; a rename-command in its configuration does that`,
  role: `the server does not say its role (INFO replication): ${UNASKED}`,
});

/** `Redis 8.2.3`, `Valkey 8.1.8`; undefined where it says nothing that could be read. */
export function serverNameOf(facts: Facts): string | undefined {
  const { name, version } = productOf(facts);
  return version === undefined ? undefined : `${name} ${version}`;
}

/** What is unexpected in a server's name and version; undefined: nothing. */
export function oddityOf(facts: Facts): string | undefined {
  const { name, version } = productOf(facts);
  const major = /^\d+(?=\.\d)/.exec(version ?? '')?.[0];
  if (name !== 'Redis') return undefined;
  if (major === undefined)
    return `the version of the server is not understood (redis_version): it is taken for a Redis ${OLDEST} or later`;
  if (Number(major) >= OLDEST) return undefined;
  return `the server is Redis ${version}: it is used, and Redis ${OLDEST} is the oldest that the cache is run on`;
}

/** The same at the nodes of a cluster, which send away what they are not master of. */
export const LACK_OF_A_NODE =
  'its nodes may not be asked with INFO: that one of them took the data of another goes unnoticed, and what was invalidated there is served again; grant it with ACL SETUSER … +info';

/** Why a server gave no answer to INFO, where it gave one to the question whether it may be asked; undefined: something else. */
export function lackBehind(error: unknown): string | undefined {
  if (saysWord(error, 'NOPERM')) return LACKS.right;
  return saysWord(error, 'ERR unknown command') ? LACKS.command : undefined;
}

function productOf(facts: Facts): { readonly name: string; readonly version: string | undefined } {
  const read = (field: string): string | undefined => {
    const said = facts.get(field)?.trim() ?? '';
    return WORD.test(said) ? said : undefined;
  };
  const dragonfly = read('dragonfly_version');
  if (dragonfly !== undefined) return { name: 'Dragonfly', version: dragonfly };
  const fork = read('server_name');
  if (fork === undefined || fork === 'redis') return { name: 'Redis', version: read('redis_version') };
  return { name: `${fork.slice(0, 1).toUpperCase()}${fork.slice(1)}`, version: read(`${fork}_version`) };
}
