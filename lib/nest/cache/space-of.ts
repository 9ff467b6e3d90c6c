import type { Foundation } from '../../assemble.js';
import { ScopeMissingError } from '../../core/errors.js';
import type { Loading } from '../../core/frame.js';
import type { Scope, Width } from '../../core/keys/scope.js';
import type { Space } from '../../core/keys/space.js';

/** The space of a call. @throws ScopeMissingError which inside of a load says that it is the load that has no such id */
export function spaceOf({ keyFactory, context }: Foundation, scope: Scope, width: Width, name: string): Space {
  try {
    return keyFactory.space(scope, width, name);
  } catch (error) {
    const loading = error instanceof ScopeMissingError ? context.loading() : undefined;
    throw loading === undefined ? error : insideLoad(loading, error as ScopeMissingError);
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
