import type { Foundation } from '../../assemble.js';
import { ScopeMissingError } from '../../core/errors.js';
import { ifAny } from '../../core/if-any.js';
import type { Loading } from '../../core/frame.js';
import type { MethodLead } from '../../core/keys/key-text.js';
import type { Scope, Width } from '../../core/keys/scope.js';
import type { Space } from '../../core/keys/space.js';

/**
 * The space of a call.
 * @param hint what to say of a missing id, for a scope that is not that of the running call
 * @throws ScopeMissingError which says why there is no such id
 */
export function spaceOf(
  { keyFactory, context }: Foundation,
  scope: Scope,
  width: Width,
  name: string | MethodLead,
  hint?: string,
): Space {
  try {
    return keyFactory.space(scope, width, name);
  } catch (error) {
    if (!(error instanceof ScopeMissingError)) throw error;
    if (hint !== undefined) throw new ScopeMissingError(error.part, error.namespace, hint);
    const loading = context.loading();
    if (loading !== undefined) throw insideLoad(loading, error);
    const { part, namespace } = error;
    const why = ifAny(() => (context.scope().tenant === scope.tenant ? context.explain(part) : undefined));
    throw why === undefined ? error : new ScopeMissingError(part, namespace, why);
  }
}

/** The caller may well have a tenant and a user: there the usual advice would be of no use. */
function insideLoad({ key: { space } }: Loading, { part, namespace }: ScopeMissingError): ScopeMissingError {
  return new ScopeMissingError(
    part,
    namespace,
    `It is asked for inside the load of namespace "${space.namespace}", which runs in the scope of its key (${space.width}), whoever called. ` +
      `Say the ${part} here (\`context\`, cache.for({ tenant, user })), pass what it is needed for in as an argument, or keep the outer entry for fewer people.`,
  );
}
