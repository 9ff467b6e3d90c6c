import { types } from 'node:util';
import { BackendError, CacheError } from '../core/errors.js';
import { RefusedError } from './refused.error.js';

/** What a server says that means: not now, or not here. Everything else that it says is its last word. */
const ABSENT: ReadonlySet<string> = new Set([
  'HostUnreachable',
  'HostNotFound',
  'NetworkTimeout',
  'ShutdownInProgress',
  'PrimarySteppedDown',
  'ExceededTimeLimit',
  'SocketException',
  'NotWritablePrimary',
  'InterruptedAtShutdown',
  'InterruptedDueToReplStateChange',
  'NotPrimaryNoSecondaryOk',
  'NotPrimaryOrSecondary',
  'MaxTimeMSExpired',
  'WriteConcernFailed',
  'WriteConcernTimeout',
  'UnsatisfiableWriteConcern',
  'WriteConflict',
  'LockTimeout',
  'FailedToSatisfyReadPreference',
  'CursorNotFound',
  'ReadConcernMajorityNotAvailableYet',
  'StaleConfig',
  'AuthenticationFailed',
  'Interrupted',
  'QueryPlanKilled',
]);
const DUPLICATE_KEY = 11_000;
const DEEPEST_CAUSE = 5;

/** What the driver knows about servers of which none would do. */
interface Chosen {
  readonly servers: ReadonlyMap<string, { readonly error?: unknown }>;
}

interface ServerError extends Error {
  readonly code?: unknown;
  readonly codeName?: unknown;
  readonly errorLabels?: unknown;
}

/** An error of the driver as one of ours. Theirs quote filters and documents, values among them; only names are kept. */
export function mongoError(error: unknown): CacheError {
  if (error instanceof CacheError) return error;
  // Native errors of another realm are no instances of ours.
  if (!types.isNativeError(error)) return new BackendError('a call (unknown problem)', 'mongo');
  const { name, codeName } = error as ServerError;
  const said = typeof codeName === 'string' && /^\w{1,60}$/.test(codeName) ? codeName : undefined;
  const cause = new Error(said === undefined ? name : `${name}: ${said}`);
  if (isLastWord(error, said)) return new RefusedError(`a call (${said ?? name})`, 'mongo', { cause });
  return new BackendError(`a call (${said ?? name})`, 'mongo', { cause });
}

/**
 * Why there is no server, in one word: what the driver quotes is the address. It wraps the reason several times, and
 * where it chose among servers, the reason is with each of them.
 */
export function problemOf(error: unknown): string {
  let deepest: unknown = error;
  for (let depth = 0; depth < DEEPEST_CAUSE; depth++) {
    const { cause, reason } = deepest as { readonly cause?: unknown; readonly reason?: Partial<Chosen> | null };
    const inner = Array.from(reason?.servers?.values() ?? []).find((server) => server.error != null)?.error ?? cause;
    if (!types.isNativeError(inner)) break;
    deepest = inner;
  }
  if (!types.isNativeError(deepest)) return 'unknown problem';
  const { code, codeName, name } = deepest as ServerError;
  return [codeName, code].find((word): word is string => typeof word === 'string' && /^\w{1,60}$/.test(word)) ?? name;
}

/** Another document has this name already: two created it at once, or what was asked of the one that is there is not so. */
export function isDuplicate(error: unknown): boolean {
  return types.isNativeError(error) && (error as ServerError).code === DUPLICATE_KEY;
}

function isLastWord(error: Error, said: string | undefined): boolean {
  if (!/^Mongo(Server|BulkWrite)Error$/.test(error.name)) return false;
  const { errorLabels } = error as ServerError;
  const isPassing =
    Array.isArray(errorLabels) && errorLabels.some((label) => /Retryable|Transient/.test(String(label)));
  return !isPassing && (said === undefined || !ABSENT.has(said));
}
