import type { Frame } from '../core/frame.js';
import type { FoundIds } from '../core/keys/scope.js';
import { missedBy, type Part } from './resolver-notes.js';
import type { ScopeResolver } from './scope-resolver.js';
import type { ScopeTable } from './scope-table.js';

/**
 * Resolves the scope of an HTTP request late: when a call needs it, and anew for every call. Guards run before the
 * handler, and what the request contained before them must not stick: a call before authentication finds no scope and
 * fails closed, later calls find the user that the guards have verified. Only for resolvers that do nothing but read.
 */
export class LateScopeResolver {
  private latest: Frame | undefined;

  constructor(
    readonly request: unknown,
    private readonly resolver: ScopeResolver,
    private readonly scopes: ScopeTable,
  ) {}

  /** Why no such id is found in the request, for messages. */
  explain(part: Part): string {
    return missedBy(this.resolver, { request: this.request }, part);
  }

  /** The scope as of now. A frame that was returned does not change with the request. @throws ScopeInvalidError */
  frame(): Frame {
    // Should a resolver return a promise after all: a promise has no tenant, so the scope is empty.
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
