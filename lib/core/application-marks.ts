/** What applications leave on a server for each other to find, and whether two of them mean to share a cache. */
import { isApplicationName, isEnvironmentName, MAX_APPLICATIONS, type Application } from './application.js';

/** Longer than the longest that is made here. */
const MAX_MARK_LENGTH = 8_192;

/** As it is left on a server: the same for all processes that say the same. */
export function applicationMark({ names, environment }: Application): string {
  return JSON.stringify([environment, ...names.toSorted()]);
}

/** What a mark says. Undefined for what is none: a server may hold anything that a process with write access put there. */
export function applicationOf(mark: unknown): Application | undefined {
  if (typeof mark !== 'string' || mark.length > MAX_MARK_LENGTH) return undefined;
  let said: unknown;
  try {
    said = JSON.parse(mark);
  } catch {
    return undefined;
  }
  if (!Array.isArray(said) || said.length > MAX_APPLICATIONS + 1) return undefined;
  const [environment, ...names] = said as readonly unknown[];
  return isEnvironmentName(environment) && names.every(isApplicationName) ? { environment, names } : undefined;
}

/**
 * True for those that mean to share a cache: in one environment, and one of them names the other, or both name a third.
 * It is the same from either side, so whichever starts first, both come to one answer.
 */
export function belongTogether(one: Application, other: Application): boolean {
  if (one.environment !== other.environment) return false;
  if (one.names.length === 0 || other.names.length === 0) return one.names.length === other.names.length;
  return one.names.some((name) => other.names.includes(name));
}

/** In words of a message: `"api" (environment "production")`. */
export function describeApplication({ names, environment }: Application): string {
  const who =
    names.length === 0 ? 'an application without a name' : names.map((name) => JSON.stringify(name)).join(', ');
  return `${who} (${environment === '' ? 'no environment' : `environment ${JSON.stringify(environment)}`})`;
}
