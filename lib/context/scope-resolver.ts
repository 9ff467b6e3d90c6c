/**
 * Who is asking, read from what came in. A resolver sees the request of whatever transport is running; it runs once per
 * request, after the guards, and its answer is validated and frozen. It must only believe what authentication has
 * proven: a header that a caller can write is no tenant.
 */
import type { Awaitable } from '../core/awaitable.js';
import { isPending } from '../core/awaitable.js';
import { CacheConfigError } from '../core/errors.js';

/** What a resolver may look at. */
export interface ScopeSource {
  /** `http`, `graphql`, `ws` or `rpc` (or what a custom transport calls itself). */
  readonly transport: string;
  /**
   * The HTTP request (also behind GraphQL), the WebSocket client, or the context of a message. Unknown to the library;
   * resolvers know their own application.
   */
  readonly request: unknown;
  /** The payload of a WebSocket or microservice message. */
  readonly payload: unknown;
  /** Nest's own ExecutionContext, for everything else. */
  readonly execution: unknown;
}

/** Ids found by a resolver. `undefined` or a missing id: not found here; calls that need it fail closed. */
export type FoundScope = { readonly tenant?: unknown; readonly user?: unknown } | null | undefined;

/** Finds out who is asking. May be asynchronous. What it throws reaches the caller of the route. */
export type ScopeResolver = (source: ScopeSource) => Awaitable<FoundScope>;

/** An incoming HTTP request as far as resolvers need to know it. */
export interface RequestLike {
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  readonly hostname?: string | undefined;
  readonly user?: unknown;
}

/** Where WebSocket clients keep the headers of the request that opened them (socket.io, ws). */
interface WebSocketLike {
  readonly handshake?: RequestLike | undefined;
  readonly upgradeReq?: RequestLike | undefined;
}

/**
 * Reads the ids with a function of yours.
 * @example fromRequest<AuthenticatedRequest>((request) => ({ tenant: request.account.id, user: request.account.userId }))
 */
export function fromRequest<Request = RequestLike>(
  read: (request: Request, source: ScopeSource) => Awaitable<FoundScope>,
): ScopeResolver {
  if (typeof read !== 'function')
    throw new CacheConfigError('scope.resolve', 'fromRequest needs a function of the request');
  return (source) =>
    source.request === undefined || source.request === null ? undefined : read(source.request as Request, source);
}

/**
 * Reads the ids from `request.user`, where guards (Passport and others) put the verified claims of a token.
 * @param claims names of claims; a dot goes deeper: `{ tenant: 'org.id', user: 'sub' }`
 */
export function fromClaims(claims: {
  readonly tenant?: string | undefined;
  readonly user?: string | undefined;
}): ScopeResolver {
  const { tenant, user } = claims;
  if (tenant === undefined && user === undefined)
    throw new CacheConfigError('scope.resolve', 'fromClaims needs the name of at least one claim');
  return ({ request }) => {
    const proven = (request as RequestLike | undefined)?.user;
    return { tenant: claimAt(proven, tenant), user: claimAt(proven, user) };
  };
}

/**
 * Reads the tenant from a header. Only for headers that a gateway of yours sets *and strips from outside requests*: say
 * so with `trusted: true`, or this throws when the module is configured.
 */
export function fromHeader(name: string, options: { readonly trusted: true }): ScopeResolver {
  if ((options as { trusted?: unknown } | undefined)?.trusted !== true) {
    throw new CacheConfigError(
      'scope.resolve',
      `fromHeader('${name}') must say { trusted: true }: anybody can send a header, so it must come from a gateway that removes the caller's own`,
    );
  }
  const wanted = name.toLowerCase();
  return ({ request }) => {
    const value = headerOf(request, wanted);
    // Two headers of one name are somebody's doubt about who is asking.
    return typeof value === 'string' ? { tenant: value } : undefined;
  };
}

/**
 * Reads the tenant from the first label of the host name: `acme.example.com` → `acme`. The host is what the client
 * asked for; use it where a proxy only lets your own hosts through, or together with a check of membership.
 * @param options.base the domain below which tenants live; other hosts have no tenant. Without it the host must have at
 *   least three labels.
 * @param options.ignore labels that are not tenants. @default ['www']
 */
export function fromSubdomain(
  options: { readonly base?: string | undefined; readonly ignore?: readonly string[] | undefined } = {},
): ScopeResolver {
  const ignore = new Set(options.ignore ?? ['www']);
  return ({ request }) => {
    const host = hostOf(request);
    const label = host === undefined ? undefined : subdomainOf(host, options.base);
    return label === undefined || ignore.has(label) ? undefined : { tenant: label };
  };
}

/**
 * Asks several resolvers in turn; the first that finds a tenant wins, as a whole. Their answers are never mixed: a
 * tenant from one source and a user from another would be a pair that nobody has proven.
 */
export function firstOf(...resolvers: readonly ScopeResolver[]): ScopeResolver {
  if (resolvers.length === 0) throw new CacheConfigError('scope.resolve', 'firstOf needs at least one resolver');
  return (source) => next(resolvers, 0, source);
}

function next(resolvers: readonly ScopeResolver[], at: number, source: ScopeSource): Awaitable<FoundScope> {
  const found = resolvers[at]?.(source);
  return isPending(found)
    ? found.then((answer) => goOn(resolvers, at, source, answer))
    : goOn(resolvers, at, source, found);
}

function goOn(
  resolvers: readonly ScopeResolver[],
  at: number,
  source: ScopeSource,
  found: FoundScope,
): Awaitable<FoundScope> {
  const isFound = found?.tenant !== undefined && found.tenant !== null && found.tenant !== '';
  return isFound || at + 1 >= resolvers.length ? found : next(resolvers, at + 1, source);
}

function claimAt(claims: unknown, path: string | undefined): unknown {
  if (path === undefined) return undefined;
  let value: unknown = claims;
  for (const step of path.split('.')) {
    // Own properties only: a claim called "constructor" is no claim.
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

function headerOf(request: unknown, name: string): string | readonly string[] | undefined {
  const from = request as (RequestLike & WebSocketLike) | undefined;
  const headers = from?.headers ?? from?.handshake?.headers ?? from?.upgradeReq?.headers;
  return headers !== undefined && Object.hasOwn(headers, name) ? headers[name] : undefined;
}

function hostOf(request: unknown): string | undefined {
  const { hostname } = (request as RequestLike | undefined) ?? {};
  const host = typeof hostname === 'string' ? hostname : headerOf(request, 'host');
  return typeof host === 'string' ? host.replace(/:\d+$/, '').toLowerCase() : undefined;
}

function subdomainOf(host: string, base: string | undefined): string | undefined {
  if (/^[\d.]+$|^\[/.test(host)) return undefined;
  if (base !== undefined) {
    const end = `.${base.toLowerCase()}`;
    const label = host.endsWith(end) ? host.slice(0, -end.length) : '';
    return label === '' || label.includes('.') ? undefined : label;
  }
  const labels = host.split('.');
  return labels.length >= 3 ? labels[0] : undefined;
}
