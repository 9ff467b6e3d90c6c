/**
 * What resolvers read from a request, of any framework. Everything here was written by a client, apart from `user`:
 * nothing is accepted that does not have exactly the expected form.
 */

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a request may have. WebSocket clients keep the headers of the request that opened them (socket.io, ws). */
interface Incoming {
  readonly headers?: Headers | undefined;
  readonly handshake?: { readonly headers?: Headers | undefined } | undefined;
  readonly upgradeReq?: { readonly headers?: Headers | undefined } | undefined;
  readonly hostname?: unknown;
  readonly user?: unknown;
}

const MAX_HOST_LENGTH = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Where guards put the user they have verified. */
export function userOf(request: unknown): unknown {
  return (request as Incoming | null | undefined)?.user;
}

/** A header by its name in lower case. */
export function headerOf(request: unknown, name: string): string | readonly string[] | undefined {
  const headers = headersOf(request);
  return typeof headers === 'object' && headers !== null && Object.hasOwn(headers, name) ? headers[name] : undefined;
}

/** An object whose names are those of the headers. */
export function headerNames(request: unknown): object {
  return Object.fromEntries(Object.keys(headersOf(request) ?? {}).map((name) => [name, true]));
}

function headersOf(request: unknown): Headers | undefined {
  const from = request as Incoming | null | undefined;
  return from?.headers ?? from?.handshake?.headers ?? from?.upgradeReq?.headers;
}

/** The requested host, in lower case and without its port. */
export function hostOf(request: unknown): string | undefined {
  const hostname = (request as Incoming | null | undefined)?.hostname;
  return hostIn(typeof hostname === 'string' ? hostname : headerOf(request, 'host'));
}

/** The host in a header that has one, in lower case and without its port. */
export function hostIn(host: unknown): string | undefined {
  // The dot at the end of a complete name adds nothing to it.
  return typeof host === 'string' ? host.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase() : undefined;
}

/** A host name of valid labels. Not an address: the last label of a name is no number. */
export function isDomain(host: unknown): host is string {
  if (typeof host !== 'string' || host.length > MAX_HOST_LENGTH) return false;
  const labels = host.split('.');
  return labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) as string);
}

/** The label directly below the base; without a base, the first of three. */
export function subdomainOf(host: string, base: string | undefined): string | undefined {
  if (!isDomain(host)) return undefined;
  if (base === undefined) {
    const labels = host.split('.');
    return labels.length === 3 ? labels[0] : undefined;
  }
  const end = `.${base}`;
  const label = host.endsWith(end) ? host.slice(0, -end.length) : '';
  return label === '' || label.includes('.') ? undefined : label;
}
