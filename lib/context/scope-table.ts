import { idIn, NOBODY, scopeOf, type FoundIds, type Scope } from '../core/scope.js';

/** Scopes remembered. Beyond it the oldest are made anew when they come back; nothing but time is lost. */
const MAX_SCOPES = 10_000;

/**
 * One `Scope` object per tenant and user, so that what is worked out for a scope once (its spaces) serves every request
 * that comes under it.
 */
export class ScopeTable {
  private readonly tenants = new Map<string, Scope>();
  private readonly users = new Map<string, Scope>();

  /** The scope of these ids. @throws ScopeInvalidError */
  of(ids: FoundIds): Scope {
    const tenant = idIn(ids, 'tenant');
    // Somebody not logged in is often `null`, and must not cost a new scope on every request.
    const user = idIn(ids, 'user') ?? undefined;
    // Only strings are looked up: anything else goes through validation every time.
    if (typeof tenant !== 'string' || (user !== undefined && typeof user !== 'string')) return scopeOf(ids);
    // The length makes the pair unambiguous, whatever the ids contain.
    const name = user === undefined ? tenant : `${tenant.length}\0${tenant}${user}`;
    const table = user === undefined ? this.tenants : this.users;
    return table.get(name) ?? remember(table, name, scopeOf({ tenant, user }));
  }
}

function remember(table: Map<string, Scope>, name: string, scope: Scope): Scope {
  if (scope === NOBODY) return scope;
  if (table.size >= MAX_SCOPES) table.delete(table.keys().next().value as string);
  table.set(name, scope);
  return scope;
}
