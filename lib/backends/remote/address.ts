/** Where servers are, for people who read a log: hosts, ports and databases, never a user, a password or an option. */

/** What stands in an address between the credentials and the options. */
const HOSTS = /^[a-z+]+:\/\/(?:[^@/?#]*@)?([\w.:[\],-]+)(\/\d{0,5})?(?:[/?#]|$)/;
const PLACE = /^[\w.:[\],-]+$/;

/** Undefined where it cannot be told for certain which part is no secret. */
export function addressIn(url: string): string | undefined {
  // Half a password, were something in it taken for the end of the hosts.
  if (url.indexOf('@') !== url.lastIndexOf('@')) return undefined;
  const [whole, hosts, database = ''] = HOSTS.exec(url) ?? [];
  if (whole === undefined || hosts === undefined || url.slice(whole.length).includes('@')) return undefined;
  return `${hosts}${database === '/' ? '' : database}`;
}

/** Of one of several servers: an address, a port, or host and port. */
export function placeOfNode(node: unknown, port: number): string | undefined {
  if (typeof node === 'number') return `127.0.0.1:${node}`;
  if (typeof node === 'string') return node.includes('://') ? addressIn(node) : PLACE.test(node) ? node : undefined;
  const { host = '127.0.0.1', port: own = port } = (node ?? {}) as { readonly host?: unknown; readonly port?: unknown };
  const place = `${String(host)}:${String(own)}`;
  return PLACE.test(place) ? place : undefined;
}

/** The same of many; at most three are told. */
export function placesOf(nodes: readonly unknown[], port: number): string {
  const places = nodes.slice(0, 3).map((node) => placeOfNode(node, port) ?? '?');
  return `${places.join(', ')}${nodes.length > 3 ? ', …' : ''}`;
}
