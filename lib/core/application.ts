/**
 * Which application keeps entries in one cache: what it and its environment are called. Two that did not mean to share a
 * cache find each other by it.
 */

export interface Application {
  /** Those that belong together, in order; one of them is this process. Empty: it has no name. */
  readonly names: readonly string[];
  /** `production`, `staging`, …; '': not known. */
  readonly environment: string;
}

/** Most names that belong together. */
export const MAX_APPLICATIONS = 16;
/** A package may have a name this long. */
const NAME = /^[\x21-\x7e]{1,214}$/;
const ENVIRONMENT = /^[\x20-\x7e]{0,64}$/;
/** Longer than the longest that is made here. */
const MAX_MARK_LENGTH = 8_192;

export function isApplicationName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

export function isEnvironmentName(name: unknown): name is string {
  return typeof name === 'string' && ENVIRONMENT.test(name);
}

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
