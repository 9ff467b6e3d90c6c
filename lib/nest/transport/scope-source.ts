import { Readable } from 'node:stream';
import type { ExecutionContext } from '@nestjs/common';
import type { ScopeSource } from '../../context/scope-resolver.js';

/** What a resolver gets to see, whichever transport is running. */
export function sourceOf(execution: ExecutionContext): ScopeSource {
  const transport = execution.getType<string>();
  switch (transport) {
    case 'http':
      return { transport, request: execution.switchToHttp().getRequest<unknown>(), payload: undefined, execution };
    case 'ws':
      return {
        transport,
        request: execution.switchToWs().getClient<unknown>(),
        payload: execution.switchToWs().getData<unknown>(),
        execution,
      };
    case 'rpc':
      return {
        transport,
        request: execution.switchToRpc().getContext<unknown>(),
        payload: execution.switchToRpc().getData<unknown>(),
        execution,
      };
    default:
      return { transport, request: graphqlRequest(execution), payload: undefined, execution };
  }
}

/**
 * The HTTP request that several executions may have in common. Libraries for other transports, too, have handlers that
 * Nest takes for those of routes, and hand them what many messages have in common (a client, a topic): only what bytes
 * come in by is a request.
 */
export function incomingOf(execution: ExecutionContext): unknown {
  if (execution.getType() !== 'http') return undefined;
  const request = execution.switchToHttp().getRequest<{ raw?: unknown } | null | undefined>();
  // Fastify has it inside of its own.
  return request instanceof Readable || request?.raw instanceof Readable ? request : undefined;
}

/** GraphQL puts the context third; Apollo keeps the request in `req`, Mercurius under `reply`. */
function graphqlRequest(execution: ExecutionContext): unknown {
  const context = execution.getArgByIndex<
    { req?: unknown; request?: unknown; reply?: { request?: unknown } } | undefined
  >(2);
  return context?.req ?? context?.request ?? context?.reply?.request ?? context;
}
