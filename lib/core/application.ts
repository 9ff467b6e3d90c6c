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

export function isApplicationName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

export function isEnvironmentName(name: unknown): name is string {
  return typeof name === 'string' && ENVIRONMENT.test(name);
}
