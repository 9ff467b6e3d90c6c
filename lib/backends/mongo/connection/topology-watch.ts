/** What the driver knows about the servers behind an address, as far as it matters here. Its versions agree on it. */

interface Described {
  readonly type: string;
  readonly address: string;
  /** Why it does not answer. */
  readonly error?: unknown;
}

interface Topology {
  readonly servers: ReadonlyMap<string, Described>;
}

/** What `topologyDescriptionChanged` tells. */
export interface TopologyEvent {
  readonly previousDescription: Topology;
  readonly newDescription: Topology;
}

const WRITABLE: ReadonlySet<string> = new Set(['Standalone', 'RSPrimary', 'Mongos', 'LoadBalancer']);
/** Not asked yet, or asked in vain. */
const UNKNOWN: ReadonlySet<string> = new Set(['Unknown', 'PossiblePrimary']);

/** The server that is written to; undefined where there is none. */
export function writableIn({ servers }: Topology): Described | undefined {
  return [...servers.values()].find(({ type }) => WRITABLE.has(type));
}

/** Whether every server has been asked for its role, and has answered or not. */
export function isAsked({ servers }: Topology): boolean {
  return servers.size > 0 && [...servers.values()].every(({ type, error }) => !UNKNOWN.has(type) || error != null);
}

/** Why one of the servers does not answer; undefined where none says why. */
export function errorIn({ servers }: Topology): unknown {
  return [...servers.values()].find(({ error }) => error != null)?.error;
}
