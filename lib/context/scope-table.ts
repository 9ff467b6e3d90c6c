import { foundId, NO_SCOPE, scopeOf, type FoundIds, type Scope } from '../core/keys/scope.js';

/**
 * Scopes in one half. There are a young and an old half, for tenants and for users each: scopes that were not used while
 * the young half filled up are forgotten. They are created anew when they are needed again; nothing but time is lost.
 */
const MAX_SCOPES = 5_000;
/** What a scope and its place in a half occupy beside the characters of its ids. */
const SCOPE_BYTES = 130;

/**
 * One `Scope` object per tenant and user, so that what is computed for a scope once (its spaces) serves every request in
 * it.
 */
export class ScopeTable {
  private readonly tenants = new RecentScopes();
  private readonly users = new RecentScopes();

  /** What all of them occupy, estimated. */
  get heldBytes(): number {
    return this.tenants.heldBytes + this.users.heldBytes;
  }

  /** The scope of these ids. @throws ScopeInvalidError */
  of(ids: FoundIds): Scope {
    const tenant = foundId(ids, 'tenant');
    // The user of an anonymous request is often `null`, and must not cost a new scope on every request.
    const user = foundId(ids, 'user') ?? undefined;
    // Only strings are looked up: anything else goes through validation every time.
    if (typeof tenant !== 'string' || (user !== undefined && typeof user !== 'string')) return scopeOf(ids);
    if (user === undefined) return this.tenants.get(tenant) ?? this.tenants.add(tenant, scopeOf({ tenant }));
    // The length makes the pair unambiguous, whatever the ids contain.
    const name = `${tenant.length}\0${tenant}${user}`;
    return this.users.get(name) ?? this.users.add(name, scopeOf({ tenant, user }));
  }
}

/** Scopes in use move on into the young half; a flood of others only pushes out idle ones. */
class RecentScopes {
  private young = new Map<string, Scope>();
  private old = new Map<string, Scope>();
  private youngBytes = 0;
  private oldBytes = 0;

  get heldBytes(): number {
    return this.youngBytes + this.oldBytes;
  }

  get(name: string): Scope | undefined {
    const young = this.young.get(name);
    if (young !== undefined) return young;
    const old = this.old.get(name);
    return old === undefined ? undefined : this.add(name, old);
  }

  add(name: string, scope: Scope): Scope {
    if (scope === NO_SCOPE) return scope;
    if (this.young.size >= MAX_SCOPES) {
      this.old = this.young;
      this.oldBytes = this.youngBytes;
      this.young = new Map();
      this.youngBytes = 0;
    }
    this.young.set(name, scope);
    this.youngBytes += SCOPE_BYTES + 2 * name.length;
    return scope;
  }
}
