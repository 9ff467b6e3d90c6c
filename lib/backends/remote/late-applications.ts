/**
 * Marks of applications are looked at with each connection, and no call waits for it: what does it is loaded with the
 * first one, and not at all where it is not known what this application is called.
 */
import type { Application } from '../../core/application.js';

/** @returns what looks at the marks. Never fails: what is not known now is asked with the next connection */
export function lateApplications<A>(
  application: Application | undefined,
  load: () => Promise<A>,
): (look: (applications: A) => Promise<void>) => void {
  let loaded: Promise<A> | undefined;
  return (look) => {
    if (application === undefined) return;
    loaded ??= load();
    loaded.then(look).catch(() => undefined);
  };
}
