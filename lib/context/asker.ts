import type { Frame } from '../core/frame.js';
import type { FoundIds } from '../core/keys/scope.js';
import type { ScopeResolver } from './scope-resolver.js';
import type { ScopeTable } from './scope-table.js';

/**
 * Who is behind an HTTP request, looked up when a call wants to know, and anew for every call. Guards come before the
 * handler, and what the request said before them must not stick: a call before authentication finds nobody and fails
 * closed, the calls after it find whom the guards have recognised. Only for resolvers that do nothing but read.
 */
export class Asker {
  private latest: Frame | undefined;

  constructor(
    readonly request: unknown,
    private readonly resolver: ScopeResolver,
    private readonly scopes: ScopeTable,
  ) {}

  /** The scope as of now. What is found stays as it is, whatever becomes of the request. @throws ScopeInvalidError */
  frame(): Frame {
    // Should it come later after all, then a promise has no tenant: nobody's.
    const found = this.resolver({
      transport: 'http',
      request: this.request,
      payload: undefined,
      execution: undefined,
    }) as FoundIds;
    const scope = this.scopes.of(found);
    return this.latest?.scope === scope ? this.latest : (this.latest = { scope, loading: undefined });
  }
}
