/**
 * Resolvers find the tenant and user of a request. A resolver sees the request of whatever transport is running; a
 * function of yours runs once per request, after the guards, one that only reads whenever a call needs the scope. Its
 * answer is validated and frozen. It must only trust what authentication has proven: a header that a caller can write is
 * no tenant.
 */
import type { Awaitable } from '../core/async/awaitable.js';
import { CacheConfigError } from '../core/errors.js';
import { knownOptions } from '../core/own-options.js';
import { foundId, isMissing, type FoundIds } from '../core/keys/scope.js';
import { claimAt } from './claims.js';
import { withNotes, type ResolverNotes } from './resolver-notes.js';
import { claimNotes, headerNotes, notesOfAll, subdomainNotes } from './notes-of-resolvers.js';
import { headerOf, hostIn, hostOf, isDomain, subdomainOf, userOf } from './request-facts.js';

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
export type FoundScope = FoundIds;

/** Finds the tenant and user of a request. May be asynchronous. What it throws reaches the caller of the route. */
export type ScopeResolver = (source: ScopeSource) => Awaitable<FoundScope>;

/** On a resolver: it does nothing but read. Registered, so that both kinds of JavaScript mean the same. */
const READS_ONLY: unique symbol = Symbol.for('nestjs-scoped-cache:reads-only');

/**
 * True for the resolvers of this file that only read: when and how often they run makes no difference. Never for a
 * function of yours, which may wait, refuse or count: it runs once per request, after the guards.
 */
export function readsOnly(resolver: ScopeResolver): boolean {
  return Object.hasOwn(resolver, READS_ONLY);
}

function reading(resolver: ScopeResolver, notes: ResolverNotes): ScopeResolver {
  return withNotes(Object.defineProperty(resolver, READS_ONLY, { value: true }), notes);
}

/** An incoming HTTP request as far as resolvers need to know it. */
export interface RequestLike {
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  readonly hostname?: string | undefined;
  readonly user?: unknown;
}

/**
 * Reads the ids with a function of yours.
 * @example
 * interface AuthenticatedRequest {
 *   readonly account: { readonly id: string; readonly userId: string };
 * }
 * fromRequest<AuthenticatedRequest>(({ account }) => ({ tenant: account.id, user: account.userId }));
 */
export function fromRequest<Request = RequestLike>(
  read: (request: Request, source: ScopeSource) => Awaitable<FoundScope>,
): ScopeResolver {
  if (typeof read !== 'function')
    refuse('fromRequest needs a function of the request: (request) => ({ tenant, user })');
  return (source) =>
    source.request === undefined || source.request === null ? undefined : read(source.request as Request, source);
}

/**
 * Reads the ids from `request.user`, where guards (Passport and others) put the verified claims of a token. Properties
 * count, and getters of a class: a document of mongoose will do.
 * @param claims names of claims; a dot goes deeper: `{ tenant: 'org.id', user: 'sub' }`. A claim that has a dot in its
 *   own name (`https://example.com/tenant`) is found by it. With `ids: 'number'` whole numbers count too, as their
 *   decimal text: 7 and '7' are one tenant then.
 * @example fromClaims({ tenant: 'orgId', user: 'id', ids: 'number' })
 */
export function fromClaims(claims: {
  readonly tenant?: string | undefined;
  readonly user?: string | undefined;
  /** What ids are. @default 'text': a number is refused */
  readonly ids?: 'text' | 'number' | undefined;
}): ScopeResolver {
  const { tenant, user, ids } = knownOptions(claims, 'scope.resolve', ['tenant', 'user', 'ids']);
  const names = [tenant, user].filter((name) => name !== undefined);
  if (names.length === 0) refuse("fromClaims needs the name of at least one claim: { tenant: 'org', user: 'sub' }");
  if (names.some((name) => typeof name !== 'string' || name === ''))
    refuse("fromClaims needs claims by their names: { tenant: 'org', user: 'sub' }");
  if (ids !== undefined && ids !== 'text' && ids !== 'number') refuse("fromClaims: ids must be 'text' or 'number'");
  const idOf = ids === 'number' ? idOfNumber : (id: unknown): unknown => id;
  const read: ScopeResolver = ({ request }) => {
    const proven = userOf(request);
    return { tenant: idOf(claimAt(proven, tenant)), user: idOf(claimAt(proven, user)) };
  };
  return reading(read, claimNotes({ tenant, user }, ids));
}

/** Zero, and what no counter of a database gives, stay what they are: no id, or refused. */
function idOfNumber(id: unknown): unknown {
  const isOne = typeof id === 'bigint' || (typeof id === 'number' && Number.isSafeInteger(id));
  return isOne && id > 0 ? String(id) : id;
}

/**
 * Reads the tenant from a header. Only for headers that a gateway of yours sets *and strips from outside requests*: say
 * so with `trusted: true`, or this throws when the module is configured. A header that is there twice names no tenant.
 */
export function fromHeader(name: string, options: { readonly trusted: true }): ScopeResolver {
  if (typeof name !== 'string' || !/^[\w-]+$/.test(name)) refuse("fromHeader needs the name of a header: 'x-tenant'");
  if (knownOptions<{ readonly trusted?: unknown }>(options, 'scope.resolve', ['trusted']).trusted !== true) {
    refuse(
      `fromHeader('${name}') must say { trusted: true }: any client can send a header, so it must come from a gateway that removes the caller's own`,
    );
  }
  const wanted = name.toLowerCase();
  return reading(({ request }) => {
    const value = headerOf(request, wanted);
    // Two headers of one name contradict each other. Node joins them with a comma.
    return typeof value === 'string' && !value.includes(',') ? { tenant: value } : undefined;
  }, headerNotes(wanted));
}

/** Where `fromSubdomain` finds the host, and which part of it is a tenant. */
export type SubdomainOptions = {
  /** Labels that are not tenants. @default ['www'] */
  readonly ignore?: readonly string[] | undefined;
} & (
  | {
      /** The domain directly below which tenants live: `'example.com'`. Other hosts have no tenant. */
      readonly base: string;
      readonly host?: undefined;
      readonly trusted?: undefined;
    }
  | {
      /**
       * The header in which a proxy of yours passes on the host that the client asked for, while it writes another into
       * `Host`: `'x-forwarded-host'`. The proxy has to remove the caller's own; a header that is there twice, or names
       * several hosts, names no tenant, and neither does one that is missing.
       */
      readonly host: string;
      /** Says that only that proxy can write the header. */
      readonly trusted: true;
      /** As above. Without it the host must have exactly three labels. */
      readonly base?: string | undefined;
    }
);

/**
 * Reads the tenant from the first label of the host name: `acme.example.com` → `acme`. The host is what the client
 * asked for; use it where a proxy only lets your own hosts through, or together with a check of membership.
 *
 * Behind a proxy that rewrites `Host`, all requests have one host, and its first label would be the tenant of all of them. So
 * `base` says which hosts have tenants, or `host` and `trusted` where the real one is found.
 * @throws CacheConfigError when it says neither
 * @example fromSubdomain({ base: 'example.com' })
 * @example fromSubdomain({ base: 'example.com', host: 'x-forwarded-host', trusted: true })
 */
export function fromSubdomain(options: SubdomainOptions): ScopeResolver {
  const given = knownOptions<{ readonly [name in keyof SubdomainOptions]?: unknown }>(options, 'scope.resolve', [
    'base',
    'ignore',
    'host',
    'trusted',
  ]);
  const { ignore = ['www'] } = given;
  const domain = domainOf(given.base);
  const hostFrom = hostReader(given.host, given.trusted);
  if (domain === undefined && given.host === undefined) {
    refuse(
      "fromSubdomain needs the domain below which tenants live, { base: 'example.com' }, or the header that has the " +
        "host where a proxy rewrites it, { host: 'x-forwarded-host', trusted: true }: otherwise every request behind " +
        'such a proxy has the same tenant',
    );
  }
  if (!Array.isArray(ignore)) refuse('fromSubdomain: ignore must be a list of labels');
  const ignored = new Set(ignore.map((label) => String(label).toLowerCase()));
  return reading(
    ({ request }) => {
      const host = hostFrom(request);
      const label = host === undefined ? undefined : subdomainOf(host, domain);
      return label === undefined || ignored.has(label) ? undefined : { tenant: label };
    },
    subdomainNotes(domain, typeof given.host === 'string' ? given.host : undefined),
  );
}

function domainOf(base: unknown): string | undefined {
  const domain = typeof base === 'string' ? base.toLowerCase() : base;
  if (domain === undefined || isDomain(domain)) return domain;
  return refuse("fromSubdomain: base must be a domain like 'example.com'");
}

/** Finds the host of a request: its own, or the one that a trusted proxy passes on. */
function hostReader(header: unknown, trusted: unknown): (request: unknown) => string | undefined {
  if (header === undefined) {
    if (trusted !== undefined) refuse('fromSubdomain: trusted is about a header, and host does not say which');
    return hostOf;
  }
  if (typeof header !== 'string' || !/^[\w-]+$/.test(header))
    refuse('fromSubdomain: host must be the name of a header');
  const wanted = header.toLowerCase();
  if (wanted === 'forwarded')
    refuse("fromSubdomain: host must be a header with nothing else in it, 'x-forwarded-host'");
  if (trusted !== true) {
    refuse(
      `fromSubdomain must say { host: '${header}', trusted: true }: any client can send a header, so it must come from a ` +
        "proxy that removes the caller's own",
    );
  }
  return (request) => hostIn(headerOf(request, wanted));
}

/**
 * Tries several resolvers in turn; the first that finds a tenant wins, as a whole. Their answers are never mixed: a
 * tenant from one source and a user from another would be a pair that no authentication has proven.
 */
export function firstOf(...resolvers: readonly ScopeResolver[]): ScopeResolver {
  if (resolvers.length === 0) refuse("firstOf needs at least one resolver: fromClaims({ tenant: 'org', user: 'sub' })");
  if (resolvers.some((resolver) => typeof resolver !== 'function'))
    refuse("firstOf needs resolvers, which are functions: fromClaims({ tenant: 'org', user: 'sub' })");
  const first: ScopeResolver = (source) => resolveFrom(resolvers, 0, source);
  const notes = notesOfAll(resolvers);
  return resolvers.every(readsOnly) ? reading(first, notes) : withNotes(first, notes);
}

function resolveFrom(resolvers: readonly ScopeResolver[], at: number, source: ScopeSource): Awaitable<FoundScope> {
  const found = resolvers[at]?.(source);
  // Any thenable is awaited: the query of a database library is no promise, but it is not an answer either.
  if (typeof (found as { then?: unknown } | null | undefined)?.then !== 'function') {
    return goOn(resolvers, at, source, found as FoundScope);
  }
  return Promise.resolve(found).then((answer) => goOn(resolvers, at, source, answer));
}

function goOn(
  resolvers: readonly ScopeResolver[],
  at: number,
  source: ScopeSource,
  found: FoundScope,
): Awaitable<FoundScope> {
  const isLast = at + 1 >= resolvers.length;
  return isLast || !isMissing(foundId(found, 'tenant')) ? found : resolveFrom(resolvers, at + 1, source);
}

function refuse(problem: string): never {
  throw new CacheConfigError('scope.resolve', problem);
}
