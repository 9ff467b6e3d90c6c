import { ScopeInvalidError, ScopeMissingError } from '../errors.js';
import { disown } from '../async/thenable.js';

/** Who is asking. Missing ids are absent, never empty strings. */
export interface ScopeIds {
  readonly tenant?: string | undefined;
  readonly user?: string | undefined;
}

/** Which callers share an entry: all, those of one tenant, or those of one user of a tenant. */
export type Width = 'global' | 'tenant' | 'user';

export const WIDTHS: readonly Width[] = Object.freeze(['global', 'tenant', 'user'] as const);

const MAX_ID_BYTES = 256;
const UNAWAITED = 'is a promise, which nothing waits for; await it first';

/** A validated, frozen scope. Only {@link scopeOf} makes one, so holding one means its ids are sound. */
export class Scope implements ScopeIds {
  declare private readonly sound: true;

  /** @internal use {@link scopeOf} */
  constructor(
    readonly tenant: string | undefined,
    readonly user: string | undefined,
  ) {
    Object.freeze(this);
  }

  /**
   * This scope cut down to `width`: what an entry of that width is shared by, and what its loader may see.
   * @throws ScopeMissingError when an id that the width needs is missing. There is no wider fallback.
   */
  at(width: Width, namespace?: string): Scope {
    if (width === 'global') return NO_SCOPE;
    if (this.tenant === undefined) throw new ScopeMissingError('tenant', namespace);
    if (width === 'tenant') return this.user === undefined ? this : new Scope(this.tenant, undefined);
    if (this.user === undefined) throw new ScopeMissingError('user', namespace);
    return this;
  }
}

/** The empty scope: no tenant, no user. */
export const NO_SCOPE: Scope = new Scope(undefined, undefined);

/** Ids as a resolver found them, not validated. */
export type FoundIds = { readonly tenant?: unknown; readonly user?: unknown } | null | undefined;

/**
 * Validates what a resolver or a caller gave. `null`, `undefined`, '', blanks, 0, NaN and false count as missing;
 * anything else that is not a well-formed string of at most 256 bytes is refused. Ids are taken byte for byte: no
 * folding of case, no Unicode normalisation — two ids that differ are two tenants.
 */
export function scopeOf(ids: FoundIds): Scope {
  if (disown(ids)) throw new ScopeInvalidError('tenant', UNAWAITED);
  const tenant = checkId(foundId(ids, 'tenant'), 'tenant');
  const user = checkId(foundId(ids, 'user'), 'user');
  return tenant === undefined && user === undefined ? NO_SCOPE : new Scope(tenant, user);
}

/** True when `inner` may be seen by fewer people than `outer`, or by others: its data must not flow into `outer`. */
export function isNarrower(inner: { scope: Scope; width: Width }, outer: { scope: Scope; width: Width }): boolean {
  if (inner.width === 'global') return false;
  if (outer.width === 'global' || inner.scope.tenant !== outer.scope.tenant) return true;
  return inner.width === 'user' && (outer.width === 'tenant' || inner.scope.user !== outer.scope.user);
}

/** An id among found ids. A class of the application may inherit it; what was polluted into Object.prototype is no id. */
export function foundId(ids: FoundIds, part: 'tenant' | 'user'): unknown {
  const id = ids?.[part];
  if (id === undefined || Object.hasOwn(ids as object, part)) return id;
  return part in Object.prototype ? undefined : id;
}

/** Whether ids have a place for one, themselves or by their class, though there may be nothing in it. */
export function speaksOf(ids: object, part: 'tenant' | 'user'): boolean {
  return Object.hasOwn(ids, part) || (part in ids && !(part in Object.prototype));
}

/** True for everything that stands for "no id": `null`, `undefined`, '', blanks, 0, NaN and false. */
export function isMissing(id: unknown): boolean {
  if (typeof id === 'string') return id.trim() === '';
  return id === undefined || id === null || id === false || id === 0 || Number.isNaN(id);
}

function checkId(id: unknown, part: 'tenant' | 'user'): string | undefined {
  if (isMissing(id)) return undefined;
  if (typeof id === 'string') {
    if (!id.isWellFormed()) throw new ScopeInvalidError(part, 'is not well-formed text (it contains a lone surrogate)');
    if (Buffer.byteLength(id) > MAX_ID_BYTES) throw new ScopeInvalidError(part, `is longer than ${MAX_ID_BYTES} bytes`);
    return id;
  }
  if (disown(id)) throw new ScopeInvalidError(part, UNAWAITED);
  throw new ScopeInvalidError(
    part,
    `must be a string, not ${Array.isArray(id) ? 'an array' : `a value of type ${typeof id}`}`,
    typeof id === 'number' || typeof id === 'bigint'
      ? `Convert it, String(id), or let the resolver: fromClaims({ ${part}: '…', ids: 'number' }).`
      : `Say what in it is the id, fromClaims({ ${part}: '….id' }), or convert it: fromRequest((request) => ({ ${part}: String(…) })).`,
  );
}
